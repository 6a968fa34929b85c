/** @file The figures of a conversation dataset as one SVG picture: splits, lengths, what is learned, answers, sources, fate. */
import { type Bar, barCharts, type Chart, inThousands, powerBars } from '../audit/barCharts.js';
import { folderBars } from '../audit/sourceFolders.js';
import { type ConversationStats, MOST_ANSWERS } from './conversationStats.js';

const SPLITS = ['train', 'validation'] as const;

/** A self-contained SVG document. */
export function conversationStatsSvg(stats: ConversationStats, title: string): string {
  const noun = stats.kind === 'chat' ? 'conversations' : 'pairs';
  const { records, duplicatesDropped, skipped } = stats;
  return barCharts(
    [
      {
        name: `${noun} by fate`,
        bars: bars({ ...records, 'duplicates dropped': duplicatesDropped, 'faults left out': skipped }),
      },
      {
        name: 'tokens',
        key: ['learned', 'only read'],
        bars: SPLITS.map((split) => learnedBar(stats, split)),
      },
      {
        name: `${noun} by length (tokens${stats.kind === 'chat' ? '' : ', with the longer answer'})`,
        bars: powerBars(stats.lengths),
      },
      {
        name: `${noun} by part of the tokens that is learned`,
        bars: stats.learnedTenths.map((value, i) => ({
          label: `${10 * i} – ${10 * (i + 1)} %`,
          values: [value],
        })),
      },
      stats.longer === null
        ? answersChart(stats)
        : { name: 'pairs by the longer answer', bars: bars(stats.longer) },
      { name: `${noun} by source folder`, bars: folderBars(stats.folders) },
    ],
    title,
  );
}

function bars(counts: Readonly<Record<string, number>>): Bar[] {
  return Object.entries(counts).map(([label, value]) => ({ label, values: [value] }));
}

function learnedBar({ tokens, learned }: ConversationStats, split: (typeof SPLITS)[number]): Bar {
  const percent = Math.round((100 * learned[split]) / Math.max(1, tokens[split]));
  return {
    label: split,
    values: [learned[split], tokens[split] - learned[split]],
    note: `${inThousands(tokens[split])}, ${percent} % learned`,
  };
}

function answersChart({ answers }: ConversationStats): Chart {
  const named = answers.map((value, i) => ({
    label: i === MOST_ANSWERS ? `${i} or more` : String(i),
    values: [value],
  }));
  // Every conversation has an answer.
  return { name: 'conversations by number of answers', bars: named.slice(1) };
}
