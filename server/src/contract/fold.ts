/** The one form in which usernames and e-mail addresses are kept and compared: trimmed and in lower case. */
export function foldName(typed: string): string {
  return typed.trim().toLowerCase();
}

/** The form in which security answers are compared, and hashed: after NFKC, trimmed and in lower case. */
export function foldAnswer(answer: string): string {
  return answer.normalize("NFKC").trim().toLowerCase();
}
