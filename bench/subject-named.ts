/** The subject of that name. @throws Error for a name that nobody has */
export function subjectNamed<Subject extends { readonly name: string }>(all: readonly Subject[], name: string | undefined): Subject {
  const subject = all.find((one) => one.name === name);
  if (subject === undefined) throw new Error(`expected the name of a subject, got: ${name}`);
  return subject;
}
