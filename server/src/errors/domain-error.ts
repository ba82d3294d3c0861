import {
  sentences,
  type DomainCode,
  type DomainErrorDetails,
  type DomainProblem,
  type FieldProblem,
} from "../contract/index.ts";

/** A code with the details that belong to it. */
export type Problem = {
  [Code in DomainCode]: DomainErrorDetails[Code] extends null
    ? { code: Code; details?: null }
    : { code: Code; details: DomainErrorDetails[Code] };
}[DomainCode];

/** The domain says no. The code decides the transport status, the details travel to the client; a cause stays in the log. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly problem: DomainProblem;
  readonly fields: FieldProblem[] | null;

  constructor(problem: Problem, fields: FieldProblem[] | null = null, cause?: unknown) {
    super(sentences[problem.code], { cause });
    this.problem = { code: problem.code, details: problem.details ?? null } as DomainProblem;
    this.fields = fields;
  }
}

/** The refusal of an input by one of its fields, named as a caller would write it; "" is the input as a whole. */
export function invalidInput(field: string, message: string): DomainError {
  return new DomainError({ code: "VALIDATION_ERROR" }, [{ field, message }]);
}
