// Requests to the server that the page came from.

class ApiError extends Error {
  constructor(status, { code, message, help, pointer, diff } = {}) {
    super(message ?? `the server answered with status ${status}`);
    Object.assign(this, { status, code, help, pointer, diff });
  }
}

const TOKEN = 'vexil.token';
let token = null;

/** Takes the token from the fragment of the address, from where it is removed. */
function takeToken() {
  const found = /^#token=(.+)$/.exec(location.hash);
  try {
    if (found) sessionStorage.setItem(TOKEN, decodeURIComponent(found[1]));
    token = sessionStorage.getItem(TOKEN);
  } catch {
    token = found ? found[1] : null;
  }
  if (found) history.replaceState(null, '', location.pathname);
}

function setToken(text) {
  token = text;
  try {
    sessionStorage.setItem(TOKEN, text);
  } catch {
    // The token lasts as long as the page.
  }
}

async function send(method, path, { body, signal, accept = 'application/json' } = {}) {
  const headers = { Accept: accept };
  if (method !== 'GET') headers['Content-Type'] = 'application/json';
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  const used = token;
  try {
    response = await fetch(`/vexil/api${path}`, {
      method, headers, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    live.suspect();
    throw new ApiError(0, { code: 'unreachable', message: 'The server does not answer.' });
  }
  if (response.status === 401) {
    if (token === used) await askToken(used !== null);
    return send(method, path, { body, signal, accept });
  }
  if (!response.ok) {
    const document = await response.json().catch(() => ({}));
    throw new ApiError(response.status, document.error);
  }
  return response;
}

async function api(method, path, body, signal) {
  const response = await send(method, path, { body, signal });
  return response.status === 204 ? {} : response.json();
}

/** A path below the chosen environment. */
function inEnv(path) {
  return `/env/${encodeURIComponent(app.env)}${path}`;
}

function itemPath(kind, key) {
  return `/${kind}s/${encodeURIComponent(key)}`;
}

/** An error as elements: the message, and the advice if there is one. */
function errorText(error) {
  return el('p', { class: 'error', role: 'alert' }, error.message, error.help && el('span', { class: 'help' }, ` ${error.help}`));
}

/** Asks for the token; all requests wait for the same answer. */
let asking = null;
function askToken(refused) {
  asking ??= new Promise((resolve) => {
    const input = el('input', { type: 'password', autocomplete: 'off', required: true, spellcheck: 'false' });
    const form = el(
      'form',
      {
        class: 'stack',
        onsubmit: (event) => {
          event.preventDefault();
          setToken(input.value.trim());
          asking = null;
          dialog.close();
          resolve();
        },
      },
      el('p', {}, 'This server asks for a token. It was printed when the server started, or is in the variable that --token-env names.'),
      refused && el('p', { class: 'error', role: 'alert' }, 'The server did not accept the token.'),
      field('Token', input),
      el('div', { class: 'actions' }, el('button', { class: 'primary' }, 'Continue')),
    );
    const dialog = openDialog('Token', form, { required: true });
    input.focus();
  });
  return asking;
}
