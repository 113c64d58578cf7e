import { createClient } from "/sdk.mjs";

const { context, hash, flags } = JSON.parse(document.getElementById("start").textContent);
const form = document.querySelector("form");
form.elements.hash.value = hash;

// The application is the flag service of the page. Without these addresses the SDK uses the vendor's.
const url = location.origin;
const client = createClient("shop", context, {
  baseUri: url,
  streamUri: url,
  eventsUri: url,
  streaming: false,
  sendEvents: false,
  diagnosticOptOut: true,
  fetchGoals: false,
});

function show(origin) {
  document.querySelector("h1").textContent = client.variation("greeting", "Welcome!");
  document.getElementById("flags").textContent = JSON.stringify(client.allFlags(), undefined, 2);
  document.getElementById("origin").textContent = origin;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  // Fetches the flags of the context. The server requires its hash.
  const { status } = await client.identify(context, { hash: form.elements.hash.value, timeout: 15 });
  show(status === "completed" ? "the server" : `before: ${status}`);
});

// The first flags are in the page: no request is sent.
await client.start({ bootstrap: flags, identifyOptions: { hash } });
show("the page");
