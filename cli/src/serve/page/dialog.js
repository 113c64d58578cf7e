// Dialogs. The browser moves the focus in, and back when the dialog closes.

function openDialog(title, body, { wide = false, required = false, onclose } = {}) {
  const heading = el('h2', { id: freshId('dialog') }, title);
  const dialog = el(
    'dialog',
    { class: wide ? 'wide' : '', 'aria-labelledby': heading.id },
    el('div', { class: 'dialog-head' }, heading, !required && button('×', () => dialog.close(), { class: 'quiet close', 'aria-label': 'Close' })),
    el('div', { class: 'dialog-body' }, body),
  );
  if (required) dialog.addEventListener('cancel', (event) => event.preventDefault());
  dialog.addEventListener('close', () => {
    dialog.remove();
    onclose?.();
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog && !required) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks before an action. `action` may fail; its error is shown in the dialog. */
function confirmDialog(title, body, label, action, { danger = false, wide = false } = {}) {
  const problem = el('div');
  const yes = button(label, () => once(yes, async () => {
    try {
      await action();
      dialog.close();
    } catch (error) {
      fill(problem, errorText(error));
    }
  }), { class: danger ? 'danger' : 'primary' });
  const dialog = openDialog(
    title,
    [body, problem, el('div', { class: 'actions' }, button('Cancel', () => dialog.close()), yes)],
    { wide },
  );
  yes.focus();
  return dialog;
}

/** A difference as text, with its added and removed lines marked. */
function diffText(text) {
  const tones = { '+': 'added', '-': 'removed', '~': 'changed' };
  return el(
    'pre',
    { class: 'code diff', tabindex: '0', 'aria-label': 'Differences' },
    text.split('\n').map((line) => el('span', { class: tones[line.trimStart()[0]] ?? '' }, `${line}\n`)),
  );
}
