'use strict';
/* Everything works without this. */
(() => {
  /* A form is sent once. */
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === 'post') form.dataset.sent = '1';
    for (const button of form.querySelectorAll('button')) button.setAttribute('aria-busy', 'true');
  });
  /* Back in the history, it can be sent again. */
  window.addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form')) delete form.dataset.sent;
    for (const button of document.querySelectorAll('button[aria-busy]')) button.removeAttribute('aria-busy');
  });
  /* One of file, URL, value: what is filled in empties the others. */
  for (const form of document.querySelectorAll('form[enctype]')) {
    form.addEventListener('input', (event) => {
      const group = event.target.closest('fieldset') || form;
      const given = [...group.querySelectorAll('input[type=file], input[type=url], input.mono')];
      if (!given.includes(event.target) || event.target.value === '') return;
      for (const other of given) if (other !== event.target) other.value = '';
    });
  }
  /* A value is copied by a press on it. */
  if (navigator.clipboard) {
    for (const value of document.querySelectorAll('table.values code.value')) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'Copy';
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(value.textContent);
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
      });
      value.after(button);
    }
  }
})();
