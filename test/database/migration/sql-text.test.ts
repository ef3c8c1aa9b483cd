import { describe, expect, it } from 'vitest'
import { fragmentRefusal, statementRefusal } from '../../../src/database/migration/sql-text.ts'

const scope = { table: 'notes', schema: 'orch' }

describe('the text of a statement', () => {
  it.each([
    'create table "orch"."notes" ("id" text)',
    'create table notes ("a" numeric(10, 2), "b" text default \'; drop table x -- y\')',
    'create index "n" on "orch"."notes" ("a" desc) where "a" <> \'it\'\'s\'',
    'create index concurrently "n" on "orch"."notes" ("a")',
    'alter table "notes" add column "drop" text default \'x, y\'',
    'insert into "orch"."notes" ("a", "b") values (1, \'commit\'), (-2, null)',
  ])('is one addition: %s', (text) => {
    expect(statementRefusal(text, scope)).toBeNull()
  })

  it.each([
    'drop table notes',
    'create table if not exists notes (id text)',
    'create table "other"."notes" (id text)',
    'create table jobs (id text)',
    'create table notes (id text); drop table notes',
    'create table notes (id text references jobs (id) on delete cascade)',
    'create table notes (id text) inherits (jobs)',
    'create index n on jobs (id)',
    'create index if not exists n on notes (id)',
    'alter table notes add column a text, drop column b',
    'alter table notes rename to old',
    'alter table notes add column a text /* hidden */',
    'insert into notes (a) select a from jobs',
    'insert into notes (a) values (1) on conflict (a) do update set a = 2',
    'insert into notes (a) values ($1)',
    "insert into notes (a) values (e'\\'; drop table notes; --')",
    'insert into notes (a) values ($$x$$)',
    'commit',
  ])('is refused: %s', (text) => {
    expect(statementRefusal(text, scope)).toBeTypeOf('string')
  })
})

describe('a declared piece', () => {
  it.each(['lower(body)', 'length(body) > 1 and body is not null', "(payload ->> 'kind')", 'a::text', "u = 'x'"])(
    'only computes: %s',
    (text) => {
      expect(fragmentRefusal(text)).toBeNull()
    },
  )

  it.each(['true); drop table notes; --', 'a) , (b', 'id in (select id from notes)', "'open", '[a]', 'a # b', '1, 2'])(
    'is refused: %s',
    (text) => {
      expect(fragmentRefusal(text)).toBeTypeOf('string')
    },
  )
})
