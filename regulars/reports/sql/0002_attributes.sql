-- Custom attributes of people by which page views and events are told apart, and those that have too
-- many values for that.
ALTER TABLE rollup_state
    ADD COLUMN attributes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN left_out text[] NOT NULL DEFAULT '{}';
