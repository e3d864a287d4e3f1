// Access tokens: from the link, from the person, or from the node where it gives them.

// The sentence in an application/problem+json body (RFC 9457).
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail || problem.title || `The node answered ${response.status}.`;
}

// A token from the node itself; null where it gives none.
export async function tokenFromNode(conference, name) {
  let response;
  try {
    response = await fetch(`/meet/${encodeURIComponent(conference)}/join`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name }),
    });
  } catch {
    throw new Error('The node cannot be reached.');
  }
  if (response.status === 404 || response.status === 405) return null;
  if (!response.ok) throw new Error(await problemOf(response));
  return (await response.json()).token;
}

// The claims of an access token, unchecked: the node checks them. Null when it is no token.
export function claimsOf(token) {
  try {
    const body = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

// What of a token is wrong for this conference, as a sentence; null where nothing is.
export function faultOf(token, conference) {
  const claims = claimsOf(token);
  if (!claims) return 'That is not an access token: it should be three parts with dots between.';
  if (claims.video?.room && claims.video.room !== conference) {
    return `This access token is for the meeting "${claims.video.room}".`;
  }
  return null;
}
