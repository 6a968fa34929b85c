/** @file `alice data`: text → hashed shards with a manifest, their verification, figures, differences and serving. */
import { Command } from 'commander';
import { buildCommand } from '../dataset/buildCommand.js';
import { diffCommand } from '../dataset/diffCommand.js';
import { serveCommand } from '../dataset/serveCommand.js';
import { statsCommand } from '../dataset/statsCommand.js';
import { verifyCommand } from '../dataset/verifyCommand.js';

export function dataCommand(): Command {
  return new Command('data')
    .description('turn text into shards, check and serve shards')
    .addCommand(buildCommand())
    .addCommand(verifyCommand())
    .addCommand(statsCommand())
    .addCommand(diffCommand())
    .addCommand(serveCommand());
}
