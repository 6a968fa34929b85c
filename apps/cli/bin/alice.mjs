#!/usr/bin/env node
/** @file `npx alice …` inside a clone: the same entry as `npm run alice -- …`. */
import '../../../scripts/start.mjs';
