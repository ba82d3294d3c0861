import type { Connection } from "../src/connect.ts";

// Objects of the public schema, less those of extensions and the migrator's own two tables, which no migration makes.
const relationsSql = `
  SELECT c.* FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    AND c.oid NOT IN (
      SELECT oid FROM pg_class WHERE relname IN ('kysely_migration', 'kysely_migration_lock')
      UNION ALL
      SELECT indexrelid FROM pg_index
      WHERE indrelid IN (SELECT oid FROM pg_class WHERE relname IN ('kysely_migration', 'kysely_migration_lock'))
    )`;

const catalogueSql = `
  WITH relation AS (${relationsSql}),
  own_type AS (
    SELECT t.* FROM pg_type t
    WHERE t.typnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'e')
  ),
  own_function AS (
    SELECT p.* FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
  )
  SELECT concat_ws(' ', kind, object, details) AS line FROM (
    SELECT 'schema' AS kind, nspname::text AS object, nspacl::text AS details
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'

    UNION ALL
    SELECT 'extension', extname, extversion FROM pg_extension

    UNION ALL
    SELECT 'relation', relname, concat_ws(' ', 'kind', relkind, 'persistence', relpersistence, 'options', reloptions,
      'row security', relrowsecurity, relforcerowsecurity, 'replica identity', relreplident, 'grants', relacl)
    FROM relation

    UNION ALL
    SELECT 'column', r.relname || '.' || a.position, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
      'not null', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated, 'storage', a.attstorage,
      'collation', nullif(a.attcollation, 0)::regcollation, 'grants', a.attacl,
      'default', pg_get_expr(d.adbin, d.adrelid))
    FROM relation r
    JOIN (
      SELECT *, lpad(row_number() OVER (PARTITION BY attrelid ORDER BY attnum)::text, 3, '0') AS position
      FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
    ) a ON a.attrelid = r.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')

    UNION ALL
    SELECT 'constraint', coalesce(r.relname, t.typname) || '.' || c.conname,
      concat_ws(' ', pg_get_constraintdef(c.oid), 'validated', c.convalidated)
    FROM pg_constraint c
    LEFT JOIN relation r ON r.oid = c.conrelid
    LEFT JOIN own_type t ON t.oid = c.contypid
    WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL

    UNION ALL
    SELECT 'index', r.relname, concat_ws(' ', pg_get_indexdef(r.oid), 'valid', i.indisvalid, 'immediate', i.indimmediate,
      'primary', i.indisprimary, 'clustered', i.indisclustered, 'replica identity', i.indisreplident)
    FROM relation r JOIN pg_index i ON i.indexrelid = r.oid

    UNION ALL
    SELECT 'sequence', r.relname, concat_ws(' ', s.seqtypid::regtype, 'start', s.seqstart, 'by', s.seqincrement, 'from', s.seqmin,
      'to', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle, 'owned by', owner.relname, a.attname)
    FROM relation r
    JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
      AND d.refclassid = 'pg_class'::regclass
    LEFT JOIN pg_class owner ON owner.oid = d.refobjid
    LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid

    UNION ALL
    SELECT 'view', relname, pg_get_viewdef(oid) FROM relation WHERE relkind IN ('v', 'm')

    UNION ALL
    SELECT 'trigger', r.relname || '.' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
    FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal

    UNION ALL
    SELECT 'rule', r.relname || '.' || w.rulename, pg_get_ruledef(w.oid)
    FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'

    UNION ALL
    SELECT 'policy', tablename || '.' || policyname, concat_ws(' ', permissive, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'

    UNION ALL
    SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid)
    FROM pg_statistic_ext WHERE stxnamespace = 'public'::regnamespace

    UNION ALL
    SELECT 'function', oid::regprocedure::text,
      concat_ws(' ', CASE WHEN prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(oid) END, 'grants', proacl)
    FROM own_function

    UNION ALL
    SELECT 'enum', t.typname, string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
    FROM own_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname

    UNION ALL
    SELECT 'type', typname, concat_ws(' ', 'kind', typtype, 'base', nullif(typbasetype, 0)::regtype, 'not null', typnotnull,
      'default', typdefault, 'grants', typacl)
    FROM own_type WHERE typtype IN ('d', 'e', 'r', 'm')

    UNION ALL
    SELECT 'comment', o.type || ' ' || o.identity, d.description
    FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o
    WHERE d.objoid IN (
      SELECT oid FROM relation UNION ALL SELECT oid FROM own_type UNION ALL SELECT oid FROM own_function
      UNION ALL SELECT c.oid FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace
      UNION ALL SELECT t.oid FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
    )
  ) catalogue`;

/**
 * Every object of the public schema, one line each in a fixed order: relations, columns in their order, constraints, indexes,
 * sequences, views, triggers, rules, policies, functions, types and comments. Two equal lists are two equal schemas.
 */
export async function readCatalogue(connection: Connection): Promise<string[]> {
  const rows = await connection.query(catalogueSql);
  return rows.map((row) => String(row.line)).toSorted();
}
