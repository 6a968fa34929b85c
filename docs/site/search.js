/** @file The search of the documentation: every word must occur; headings count more than text. Works from the disk. */
(() => {
  const LIMIT = 20;
  const AROUND = 70;
  const input = document.getElementById('query');
  const results = document.getElementById('results');
  const folded = window.SEARCH.map((entry) => ({
    ...entry,
    headingFolded: entry.heading.toLowerCase(),
    textFolded: entry.text.toLowerCase(),
  }));

  function find(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    return folded
      .map((entry) => ({ entry, score: scoreOf(entry, words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, LIMIT)
      .map(({ entry }) => ({ entry, word: words[0] }));
  }

  function scoreOf(entry, words) {
    let score = 0;
    for (const word of words) {
      const inHeading = entry.headingFolded.includes(word);
      const count = entry.textFolded.split(word).length - 1;
      if (!inHeading && count === 0) return 0;
      score += (inHeading ? 10 : 0) + Math.min(count, 5);
    }
    return score;
  }

  function node(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function excerpt({ entry, word }) {
    const at = Math.max(0, entry.textFolded.indexOf(word) - AROUND);
    return `${at > 0 ? '… ' : ''}${entry.text.slice(at, at + 3 * AROUND)}`;
  }

  function show() {
    const found = find(input.value);
    results.hidden = input.value.trim() === '';
    const list = document.createElement('ul');
    for (const hit of found) {
      const item = document.createElement('li');
      const title =
        hit.entry.heading === hit.entry.page ? hit.entry.page : `${hit.entry.page}: ${hit.entry.heading}`;
      item.append(node('a', title, { href: hit.entry.to }), node('p', excerpt(hit)));
      list.append(item);
    }
    results.replaceChildren(node('p', found.length === 0 ? 'nothing found' : `${found.length} places`), list);
  }

  input.addEventListener('input', show);
  input.form.addEventListener('submit', (event) => {
    event.preventDefault();
    results.querySelector('a')?.focus();
  });
  results.addEventListener('click', (event) => {
    if (event.target.closest('a')) results.hidden = true;
  });
  const menu = document.querySelector('nav details');
  const wide = window.matchMedia('(min-width: 900px)');
  const fit = () => {
    menu.open = wide.matches;
  };
  wide.addEventListener('change', fit);
  fit();
})();
