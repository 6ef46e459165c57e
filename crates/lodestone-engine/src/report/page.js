'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  byId('tools').hidden = false;

  /* Pictures: none is shown before its own button is pressed; each showing counts. */
  const counter = byId('exposures');
  const hideAll = byId('hide');
  let exposures = 0;
  const open = new Set();

  function conceal(button) {
    const picture = button.parentElement.querySelector('img');
    if (picture) picture.remove();
    button.textContent = button.dataset.label;
    button.setAttribute('aria-expanded', 'false');
    open.delete(button);
    hideAll.disabled = open.size === 0;
  }

  function reveal(button) {
    const picture = document.createElement('img');
    picture.alt = 'Small picture of the file named beside it';
    picture.width = Number(button.dataset.w);
    picture.height = Number(button.dataset.h);
    picture.src = 'data:image/png;base64,' + button.dataset.png;
    button.before(picture);
    button.textContent = 'Hide';
    button.setAttribute('aria-expanded', 'true');
    open.add(button);
    exposures += 1;
    counter.textContent = String(exposures);
    hideAll.disabled = false;
  }

  for (const button of document.querySelectorAll('button.reveal')) {
    button.dataset.label = button.textContent;
    button.setAttribute('aria-expanded', 'false');
    button.disabled = false;
  }
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button.reveal');
    if (button) (open.has(button) ? conceal : reveal)(button);
  });
  const concealAll = () => { for (const button of [...open]) conceal(button); };
  if (hideAll) hideAll.addEventListener('click', concealAll);

  /* Filter: cards and rows whose text holds every word. */
  const filter = byId('filter');
  const found = byId('found');
  let texts = null;
  let waiting = 0;

  function apply() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (texts === null) {
      texts = [...document.querySelectorAll('[data-f]')].map((node) => [node, node.textContent.toLowerCase()]);
    }
    let shown = 0;
    for (const [node, text] of texts) {
      const hit = words.every((word) => text.includes(word));
      if (node.hidden === hit) node.hidden = !hit;
      if (hit) shown += 1;
    }
    found.textContent = words.length === 0 ? '' : shown + ' of ' + texts.length;
  }

  filter.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      concealAll();
      if (document.activeElement === filter && filter.value !== '') { filter.value = ''; apply(); }
    } else if (event.key === '/' && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      filter.focus();
    }
  });

  /* Paper has no buttons: open what is folded, never a picture. */
  let folded = [];
  window.addEventListener('beforeprint', () => {
    concealAll();
    folded = [...document.querySelectorAll('details:not([open]):not(.long)')];
    for (const node of folded) node.open = true;
  });
  window.addEventListener('afterprint', () => { for (const node of folded) node.open = false; });
})();
