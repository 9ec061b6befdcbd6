-- Everything that is defined in one database, a JSON text per fact; no OIDs, which differ between servers.
-- What belongs to an extension is left out: that comes with the extension, in the version that the server has.
WITH schemas AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), members AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), relations AS (
    SELECT c.*, nspname FROM pg_catalog.pg_class AS c JOIN schemas ON schemas.oid = relnamespace
    WHERE ('pg_catalog.pg_class'::regclass, c.oid) NOT IN (SELECT * FROM members)
), others (classid, objid, owner) AS (
    SELECT 'pg_catalog.pg_operator'::regclass, oid, oprowner FROM pg_catalog.pg_operator
    UNION ALL SELECT 'pg_catalog.pg_opclass'::regclass, oid, opcowner FROM pg_catalog.pg_opclass
    UNION ALL SELECT 'pg_catalog.pg_cast'::regclass, oid, 10 FROM pg_catalog.pg_cast
    UNION ALL SELECT 'pg_catalog.pg_collation'::regclass, oid, collowner FROM pg_catalog.pg_collation
    UNION ALL SELECT 'pg_catalog.pg_conversion'::regclass, oid, conowner FROM pg_catalog.pg_conversion
    UNION ALL SELECT 'pg_catalog.pg_language'::regclass, oid, lanowner FROM pg_catalog.pg_language
    UNION ALL SELECT 'pg_catalog.pg_ts_config'::regclass, oid, cfgowner FROM pg_catalog.pg_ts_config
    UNION ALL SELECT 'pg_catalog.pg_ts_dict'::regclass, oid, dictowner FROM pg_catalog.pg_ts_dict
    UNION ALL SELECT 'pg_catalog.pg_event_trigger'::regclass, oid, evtowner FROM pg_catalog.pg_event_trigger
    UNION ALL SELECT 'pg_catalog.pg_foreign_data_wrapper'::regclass, oid, fdwowner
        FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_catalog.pg_foreign_server'::regclass, oid, srvowner FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT 'pg_catalog.pg_publication'::regclass, oid, pubowner FROM pg_catalog.pg_publication
)
SELECT jsonb_build_array('schema', nspname, nspowner::regrole, ARRAY(
    SELECT x::text FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) AS x ORDER BY 1))::text
FROM schemas
UNION ALL
SELECT jsonb_build_array('relation', nspname, relname, relkind, relpersistence, relowner::regrole, relrowsecurity,
    relforcerowsecurity, relreplident, relispopulated, pg_get_expr(relpartbound, oid),
    CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END,
    CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) END,
    ARRAY(SELECT x FROM unnest(reloptions) AS x ORDER BY 1),
    ARRAY(SELECT inhparent::regclass FROM pg_catalog.pg_inherits WHERE inhrelid = relations.oid ORDER BY inhseqno),
    ARRAY(SELECT x::text FROM unnest(coalesce(relacl, acldefault(
        CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, relowner))) AS x ORDER BY 1))::text
FROM relations
UNION ALL
SELECT jsonb_build_array('column', nspname, relname, row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname,
    format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, pg_get_expr(adbin, adrelid),
    attcollation::regcollation, attstorage, attcompression, attstattarget, attoptions,
    ARRAY(SELECT x::text FROM unnest(attacl) AS x ORDER BY 1))::text
FROM relations JOIN pg_catalog.pg_attribute ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT jsonb_build_array('sequence', nspname, relname, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin,
    seqcache, seqcycle)::text
FROM relations JOIN pg_catalog.pg_sequence ON seqrelid = relations.oid
UNION ALL
SELECT jsonb_build_array('owned sequence', s.nspname, s.relname, d.refobjid::regclass, attname)::text
FROM relations AS s JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::regclass
    AND d.objid = s.oid AND d.refobjsubid > 0 AND d.refclassid = 'pg_catalog.pg_class'::regclass
JOIN pg_catalog.pg_attribute ON attrelid = d.refobjid AND attnum = d.refobjsubid
WHERE s.relkind = 'S'
UNION ALL
SELECT jsonb_build_array('index', pg_get_indexdef(indexrelid), indisclustered, indisreplident, indisvalid)::text
FROM relations JOIN pg_catalog.pg_index ON indexrelid = relations.oid
UNION ALL
SELECT jsonb_build_array('constraint', nspname, conname, conrelid::regclass, contypid::regtype, convalidated,
    pg_get_constraintdef(c.oid))::text
FROM pg_catalog.pg_constraint AS c JOIN schemas ON schemas.oid = connamespace
WHERE ('pg_catalog.pg_constraint'::regclass, c.oid) NOT IN (SELECT * FROM members)
UNION ALL
SELECT jsonb_build_array('function', p.oid::regprocedure, prokind, proowner::regrole, proconfig,
    CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
    (SELECT jsonb_build_array(aggtransfn, aggfinalfn, aggcombinefn, aggtranstype::regtype, agginitval)
     FROM pg_catalog.pg_aggregate WHERE aggfnoid = p.oid),
    ARRAY(SELECT x::text FROM unnest(coalesce(proacl, acldefault('f', proowner))) AS x ORDER BY 1))::text
FROM pg_catalog.pg_proc AS p JOIN schemas ON schemas.oid = pronamespace
WHERE ('pg_catalog.pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM members)
UNION ALL
SELECT jsonb_build_array('trigger', tgenabled, pg_get_triggerdef(t.oid))::text
FROM pg_catalog.pg_trigger AS t JOIN relations ON relations.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT jsonb_build_array('rule', ev_enabled, pg_get_ruledef(r.oid))::text
FROM pg_catalog.pg_rewrite AS r JOIN relations ON relations.oid = ev_class
UNION ALL
SELECT jsonb_build_array('policy', polname, polrelid::regclass, polcmd, polpermissive,
    ARRAY(SELECT x::regrole::text FROM unnest(polroles) AS x ORDER BY 1),
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))::text
FROM pg_catalog.pg_policy JOIN relations ON relations.oid = polrelid
UNION ALL
SELECT jsonb_build_array('type', t.oid::regtype, typtype, typowner::regrole, typdefault, typnotnull,
    format_type(nullif(typbasetype, 0), typtypmod), typcollation::regcollation,
    ARRAY(SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
    (SELECT rngsubtype::regtype FROM pg_catalog.pg_range WHERE rngtypid = t.oid),
    ARRAY(SELECT x::text FROM unnest(coalesce(typacl, acldefault('T', typowner))) AS x ORDER BY 1))::text
FROM pg_catalog.pg_type AS t JOIN schemas ON schemas.oid = typnamespace
WHERE typtype IN ('b', 'd', 'e', 'r') AND typcategory <> 'A'
    AND ('pg_catalog.pg_type'::regclass, t.oid) NOT IN (SELECT * FROM members)
UNION ALL
SELECT jsonb_build_array('statistics', pg_get_statisticsobjdef(s.oid), stxowner::regrole, stxstattarget)::text
FROM pg_catalog.pg_statistic_ext AS s JOIN schemas ON schemas.oid = stxnamespace
UNION ALL
SELECT jsonb_build_array('default grants', defaclrole::regrole, nullif(defaclnamespace, 0)::regnamespace, defaclobjtype,
    ARRAY(SELECT x::text FROM unnest(defaclacl) AS x ORDER BY 1))::text
FROM pg_catalog.pg_default_acl
UNION ALL
SELECT jsonb_build_array('extension', extname, extnamespace::regnamespace, extowner::regrole)::text
FROM pg_catalog.pg_extension
UNION ALL
SELECT jsonb_build_array('other', classid, (pg_identify_object(classid, objid, 0)).identity, owner::regrole)::text
FROM others WHERE objid >= 16384 AND (classid, objid) NOT IN (SELECT * FROM members)
UNION ALL
SELECT jsonb_build_array('comment', (pg_identify_object(classoid, objoid, objsubid)).identity, description)::text
FROM pg_catalog.pg_description
WHERE (objoid >= 16384 OR (classoid, objoid) IN (SELECT 'pg_catalog.pg_namespace'::regclass, oid FROM schemas))
    AND classoid <> 'pg_catalog.pg_extension'::regclass AND (classoid, objoid) NOT IN (SELECT * FROM members)
UNION ALL
SELECT jsonb_build_array('large object', m.oid, lomowner::regrole,
    ARRAY(SELECT x::text FROM unnest(coalesce(lomacl, acldefault('L', lomowner))) AS x ORDER BY 1),
    (SELECT md5(string_agg(md5(lo_get(m.oid, start, 1048576)), '' ORDER BY start))
     FROM generate_series(0, (SELECT max(pageno::bigint * 2048 + length(data)) - 1
                              FROM pg_catalog.pg_largeobject WHERE loid = m.oid), 1048576) AS start))::text
FROM pg_catalog.pg_largeobject_metadata AS m
