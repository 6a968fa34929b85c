/**
 * @file A process that builds a dataset and kills itself, as hard as can be, at a given progress: "stage count". Conversations
 * have the one stage "tokenize".
 */
import { buildDataset } from '../build/buildDataset.js';
import { buildConversations } from '../conversation/buildConversations.js';
import { byteTokenizer } from './byteTokenizer.js';

const [source, outDir, stopAt, content = 'text'] = process.argv.slice(2) as [string, string, string, string?];
const [stopStage, count] = stopAt.split(' ');
let seen = 0;
const dieAt = (stage: string): void => {
  if (stage === stopStage && ++seen > Number(count)) process.kill(process.pid, 'SIGKILL');
};

const build = { source, outDir, tokenizer: byteTokenizer, seed: 'seed' };
if (content === 'text')
  await buildDataset({ ...build, stream: true, onProgress: ({ stage }) => dieAt(stage) });
else await buildConversations({ ...build, kind: 'chat', onProgress: () => dieAt('tokenize') });
