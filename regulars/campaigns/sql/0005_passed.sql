-- Which steps somebody has gone through: who is behind the number of a wait or a branch.
SET LOCAL lock_timeout = '5s';
ALTER TABLE campaign_entry ADD COLUMN passed text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN campaign_entry.passed IS 'The ids of the steps that are behind them, each once';
