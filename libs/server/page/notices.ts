/** What the page says aloud: its state, and what went wrong. Both are live regions. */
import { element } from './dom.ts';

const status = element('status', HTMLParagraphElement);
const problem = element('problem', HTMLParagraphElement);

export function say(text: string): void {
  status.textContent = text;
}

export function complain(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
  say('That did not work.');
}

export function settle(): void {
  problem.hidden = true;
  problem.textContent = '';
}

/** Whether an error only says that something was called off. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
