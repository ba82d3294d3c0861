import { config } from "zod";

// Before any schema is made: zod tries `new Function`, which a strict content security policy reports.
config({ jitless: true });
