// A profile picture: the GraphQL multipart request, as https://github.com/jaydenseric/graphql-multipart-request-spec
// has it. At most 2 MiB; phones take larger ones, so make them smaller first.

const UPLOAD = `mutation ($input: UpdateUserInput!) {
  updateUser(input: $input) { ok user { profilePictureUrl } }
}`;

const MOST = 2 * 1024 * 1024;

/** Stores a picture (a File, or a Blob) as the user's; gives the address that shows it. */
export async function upload(session, picture) {
  // Checks the size before it sends the picture: for a file larger than about 4.5 MB, API Gateway answers without CORS
  // headers, and the page cannot read the reason.
  if (picture.size > MOST) throw Object.assign(new Error("too large"), { code: "picture_too_large" });
  const form = new FormData();
  form.append("operations", JSON.stringify({ query: UPLOAD, variables: { input: { profilePicture: null } } }));
  form.append("map", JSON.stringify({ 0: ["variables.input.profilePicture"] }));
  form.append("0", picture, "picture");
  const token = await session.token();
  // No content-type: the browser writes it, with the boundary between the parts.
  const headers = { authorization: `JWT ${token}` };
  const response = await fetch(session.endpoint, { method: "POST", headers, body: form });
  const { data, errors } = await response.json();
  // `invalid`, and `fields` has what is wrong with the picture: `picture_invalid`, `picture_dimensions` …
  if (errors) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
  return data.updateUser.user.profilePictureUrl;
}
