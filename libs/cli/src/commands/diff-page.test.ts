import { expect, it } from 'vitest';
import { completePage } from './diff-page.ts';

it('says on the page how the runs differ, escaped, and leaves nothing to fill in', () => {
  const page = completePage('<h1>x</h1><!-- prosodia:run --><footer>', {
    names: ['a/1', 'a/2'],
    variables: ['title: "<b>" -> "$&"'],
    stages: [],
    metrics: [{ metric: 'judge.accuracy', a: 0.5, b: 0.25 }],
  });
  expect(page).toContain('title: &quot;&lt;b&gt;&quot; -&gt; &quot;$&amp;&quot;');
  expect(page).toContain('Parameters, code and data are equal.');
  expect(page).toContain('<td>0.5000</td><td>0.2500</td><td>−0.2500</td>');
  expect(page).not.toContain('prosodia:run');
});
