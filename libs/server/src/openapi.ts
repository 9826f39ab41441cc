/** The OpenAPI document, made of the operations and schemas that the server itself goes by. */
import type { TSchema } from '@prosodia/core';
import { AUDIO_TYPES, OPERATIONS, type Operation } from './operations.ts';
import { PROBLEMS, PROBLEM_TYPE, type ProblemName } from './problem.ts';
import { NAMED } from './schemas.ts';

/** Problems that any request can have. */
const ALWAYS: readonly ProblemName[] = [
  'bad-request',
  'other-origin',
  'too-slow',
  'headers-too-large',
  'internal',
  'stopping',
];

const binary = { schema: { type: 'string', contentMediaType: 'application/octet-stream' } };

/** @param version of Prosodia */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, operation] of Object.entries<Operation>(OPERATIONS)) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operationId, operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Prosodia',
      version,
      description: 'Emotions of recorded speech, as the models of finished runs hear them.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: NAMED,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'If the server wants one.' } },
    },
  };
}

function describe(operationId: string, operation: Operation): Record<string, unknown> {
  const { summary, description, query, body, pathParameters = {} } = operation;
  const parameters = [
    ...Object.entries(pathParameters).map(([name, about]) => ({
      name,
      in: 'path',
      required: true,
      description: about,
      schema: { type: 'string' },
    })),
    ...Object.entries(propertiesOf(query)).map(([name, { description: about, ...schema }]) => ({
      name,
      in: 'query',
      required: false,
      description: about,
      schema,
    })),
  ];
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: bodyOf(body, query) } : {}),
    responses: responsesOf(operation),
    security: operation.open ? [] : [{}, { token: [] }],
  };
}

function propertiesOf(schema: TSchema | undefined): Record<string, { description?: string }> {
  return (schema as { properties?: Record<string, { description?: string }> } | undefined)?.properties ?? {};
}

function bodyOf(body: 'recording' | 'recordings', query: TSchema | undefined): Record<string, unknown> {
  const recording = { type: 'string', contentMediaType: 'application/octet-stream' };
  const form = {
    schema: {
      type: 'object',
      properties: {
        file: body === 'recording' ? recording : { type: 'array', items: recording, minItems: 1 },
        ...propertiesOf(query),
      },
      required: ['file'],
    },
  };
  const raw = body === 'recording' ? AUDIO_TYPES.map((type) => [type, binary] as const) : [];
  return { required: true, content: { ...Object.fromEntries(raw), 'multipart/form-data': form } };
}

function responsesOf({ reply, alsoStatus, problems, open }: Operation): Record<string, unknown> {
  const responses: Record<string, unknown> = {};
  if ('schema' in reply) {
    const name = Object.keys(NAMED).find((own) => NAMED[own] === reply.schema)!;
    const content = { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } };
    responses['200'] = { description: 'Done.', content };
    if (alsoStatus !== undefined) responses[String(alsoStatus)] = { description: 'Not now.', content };
  } else {
    const { status = 200, media, description } = reply;
    responses[String(status)] = { description, ...(status === 200 ? { content: { [media]: {} } } : {}) };
  }
  const all = [...ALWAYS, ...problems, ...(open ? [] : (['unauthorized'] as const))];
  for (const status of [...new Set(all.map((name) => PROBLEMS[name][0]))].sort()) {
    if (responses[String(status)]) continue;
    const own = all.filter((name) => PROBLEMS[name][0] === status);
    responses[String(status)] = {
      description: own.map((name) => `${PROBLEMS[name][1]} (\`${name}\`).`).join(' '),
      content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      ...(status === 429 ? { headers: { 'Retry-After': { schema: { type: 'integer' } } } } : {}),
    };
  }
  return responses;
}
