-- The search box over a million people wants trigrams. A managed server may not let us create the
-- extension; the search then reads the rows of the list, slower and just as right.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm is not available: the search box will be slower';
END $$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE INDEX person_by_search ON person USING gin (search gin_trgm_ops)
            WITH (fastupdate = off) WHERE search IS NOT NULL;
    END IF;
END $$;
