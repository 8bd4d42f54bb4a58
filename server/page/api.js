// Requests to the server: one header for all, errors with their next step, a key for what starts work.

export class ApiError extends Error {
  constructor(status, { kind, message, hint }) {
    super(message);
    Object.assign(this, { status, kind, hint: hint ?? "" });
  }
}

const LINE = { kind: "connection", message: "Cannot reach ml-agent.", hint: "Is it still running?" };
const ATTEMPTS = 4;

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(0, LINE);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const unknown = { kind: "unknown", message: `The server answered ${response.status}.` };
  throw new ApiError(response.status, body.error ?? unknown);
}

export async function get(path) {
  return (await request(path)).json();
}

export async function getText(path) {
  return (await request(path)).text();
}

/** A POST. Cut lines and 503 are tried again; the key makes sure that nothing happens twice. */
export async function post(path, body = {}) {
  const startsWork = /^\/threads$|\/send$/.test(path);
  const content = startsWork ? { key: crypto.randomUUID(), ...body } : body;
  const headers = { "Content-Type": "application/json", "X-ML-Agent": "1" };
  for (let attempt = 1; ; attempt++) {
    try {
      const options = { method: "POST", headers, body: JSON.stringify(content) };
      return await (await request(path, options)).json();
    } catch (error) {
      const again = error.status === 503 || (error.status === 0 && startsWork);
      if (!again || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 400 * 2 ** attempt));
    }
  }
}
