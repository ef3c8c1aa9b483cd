import { sql } from 'kysely'
import type { Trx } from '../dialect/dialect.ts'

interface GrantRow {
  /** Null for the schema itself. */
  readonly relation: string | null
  readonly privilege: string
  /** As the server quotes it; `-` is everybody. */
  readonly grantee: string
}

/** Gives everybody in one schema what they may do in another, table by table; owners are not among them. */
export async function copyGrants(trx: Trx, from: string, to: string): Promise<void> {
  const { rows } = await sql<GrantRow>`
    select null as relation, a.privilege_type as privilege, a.grantee::regrole::text as grantee
    from pg_catalog.pg_namespace n, aclexplode(n.nspacl) a
    where n.nspname = ${from} and a.grantee <> n.nspowner
    union all
    select c.relname, a.privilege_type, a.grantee::regrole::text
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
    where n.nspname = ${from} and c.relkind in ('r', 'p') and a.grantee <> c.relowner
      and exists (select 1 from pg_catalog.pg_class t join pg_catalog.pg_namespace m on m.oid = t.relnamespace
        where m.nspname = ${to} and t.relname = c.relname)`.execute(trx)
  for (const { relation, privilege, grantee } of rows) {
    const object = relation === null ? sql`schema ${sql.id(to)}` : sql`table ${sql.id(to, relation)}`
    const role = grantee === '-' ? sql`public` : sql.raw(grantee)
    await sql`grant ${sql.raw(privilege)} on ${object} to ${role}`.execute(trx)
  }
}
