// ajv's standalone validator. `errors` holds the first problem of the last call.
export interface SchemaError {
  readonly keyword: string;
  // JSON pointer.
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}
export const validate: {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
};
