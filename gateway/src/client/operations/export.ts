// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface ExportOperations {
  /** Entries that fit, page by page. */
  readonly 'GET /api/export/page': {
    readonly query?: {
      readonly device?: readonly string[] | undefined;
      readonly tag?: readonly string[] | undefined;
      readonly workflow?: readonly string[] | undefined;
      readonly kind?: readonly string[] | undefined;
      readonly since?: string | undefined;
      readonly before?: string | undefined;
      readonly after?: string | undefined;
      readonly personal?: boolean | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.export-page/1';
      readonly next: string | null;
      readonly records: readonly {
        readonly id: string;
        readonly device: string;
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly epoch: number;
        readonly seq: number;
        readonly receivedAt: string | null;
        readonly bytes: number;
        readonly kind: string | null;
        readonly workflow: string;
        readonly [name: string]: unknown;
      }[];
    };
  };
}
