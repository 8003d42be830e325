"""Every column of the service's own says in the database what it holds. Nothing else changes: no row, type or key."""

from migration_steps import Comments

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COMMENTS = (
    Comments(
        table="mock_holdings",
        columns={
            "asset_cost": ("{amount} NULL", "what the quantity held cost, without fees, in USD"),
            "ledger_quantity": ("{amount} NOT NULL DEFAULT 0", "the quantity that the entries of the ledger add up to"),
            "price_source": ("{source} NULL", "where last_price is from, empty where another program left it"),
            "price_at": ("{moment} NULL", "UTC moment of last_price"),
        },
    ),
    Comments(
        table="mock_trades",
        columns={
            "net_amount": (
                "{amount} NOT NULL",
                "money by which cash moved, fees included, the API calls money without fees so",
            ),
            "client_trade_id": ("{key} NULL", "the key of the client of the booking, unique within booked_by"),
            "booked_by": ("{owner} NULL", "whose booking it is, empty on rows of other programs, which never count"),
            "fingerprint": ("{digest} NULL", "digest of what was asked for, by which a repeated booking is known"),
            "cash_delta": ("{amount} NULL", "by how much cash moved, below zero on a purchase, in USD"),
            "notional_delta": ("{amount} NULL", "by how much the cost without fees of the position moved"),
            "cost_basis_sold": ("{amount} NULL", "cost basis, with fees, of what a closing trade closed"),
            "realized_pnl": ("{amount} NULL", "result of a closing trade, net of all fees, in USD"),
            "closes": ("{flag} NULL", "1 where the trade closed a position or a part of one"),
            "ledger_revision": (
                "{big} NULL",
                "the ledger revision after this entry, empty on rows of other programs",
            ),
            "portfolio_id": ("{int} NULL", "mock_portfolio.id"),
            "engine": ("{engine} NULL", "the engine that reported the execution"),
            "signal_id": ("{reference} NULL", "the signal that the trade carries out, as the client named it"),
            "recommendation_ref": ("{reference} NULL", "the recommendation as the client named it"),
            "reverses_trade_id": ("{int} NULL", "mock_trades.id of the trade that this entry takes back"),
            "booked_at": ("{moment} NULL", "UTC moment of the booking"),
        },
    ),
    Comments(
        table="mock_portfolio",
        columns={
            "revision": ("{big} NOT NULL DEFAULT 0", "grows by one with each entry of the ledger"),
            "price_revision": ("{big} NOT NULL DEFAULT 0", "grows by one with each refresh of prices or closes"),
            "net_deposits": ("{amount} NOT NULL DEFAULT 0", "deposits less withdrawals, in USD"),
            "realized_pnl": ("{amount} NOT NULL DEFAULT 0", "sum of the results of all closing trades, net of fees"),
            "fees_paid": ("{amount} NOT NULL DEFAULT 0", "sum of the fees of all trades, in USD"),
            "ledger_cash": (
                "{amount} NULL",
                "the cash that the entries of the ledger add up to, empty before the books are open",
            ),
            "unit_count": ("{amount} NOT NULL DEFAULT 0", "units of the portfolio, as a fund has shares"),
            "unit_value": ("{amount} NOT NULL DEFAULT 1", "value of one unit at the last deposit or withdrawal"),
            "booked_trades": ("{int} NOT NULL DEFAULT 0", "trades of the ledger, without those taken back"),
            "booked_wins": ("{int} NOT NULL DEFAULT 0", "closing trades with a result above zero"),
            "booked_losses": ("{int} NOT NULL DEFAULT 0", "closing trades with a result below zero"),
            "gross_profit": ("{amount} NOT NULL DEFAULT 0", "sum of the results above zero"),
            "gross_loss": ("{amount} NOT NULL DEFAULT 0", "sum of the results below zero, as a positive amount"),
        },
    ),
    Comments(
        table="mock_performance_history",
        columns={
            "unit_value": ("{amount} NULL", "value of one unit at the end of the day, empty before the adoption"),
            "net_deposits": ("{amount} NULL", "deposits less withdrawals until the end of the day"),
            "realized_pnl": ("{amount} NULL", "results of closing trades until the end of the day"),
            "trades": ("{int} NULL", "trades until the end of the day"),
            "wins": ("{int} NULL", "closing trades with a result above zero until the end of the day"),
            "losses": ("{int} NULL", "closing trades with a result below zero until the end of the day"),
            "gross_profit": ("{amount} NULL", "sum of the results above zero until the end of the day"),
            "gross_loss": ("{amount} NULL", "sum of the results below zero until the end of the day, positive"),
        },
    ),
    Comments(
        table="portfolio_booking_outcomes",
        about="What became of each booking: the answer to every later copy of it",
        columns={
            "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of the decisions"),
            "owner": ("{owner} NOT NULL", "whose booking it is: the name of the API key, or the engine"),
            "client_trade_id": ("{key} NULL", "the key of the client, unique within the owner"),
            "fingerprint": ("{digest} NOT NULL", "digest of what was asked for"),
            "status": ("VARCHAR(10) NOT NULL", "booked or refused"),
            "trade_id": ("{int} NULL", "mock_trades.id of what was booked"),
            "symbol": ("{symbol} NOT NULL", "the asset"),
            "side": ("VARCHAR(4) NOT NULL", "BUY or SELL"),
            "quantity": ("{amount} NOT NULL", "units of the asset"),
            "price": ("{amount} NOT NULL", "USD for one unit"),
            "net_amount": ("{amount} NOT NULL", "as it was reported, in the sense of the API, fees apart"),
            "fees": ("{amount} NOT NULL", "as they were reported, in USD"),
            "engine": ("{engine} NULL", "the engine that reported the execution"),
            "outcome": ("{long_text} NOT NULL", "JSON of the answer, or the reason of the refusal"),
            "decided_at": ("{moment} NOT NULL", "UTC moment of the decision"),
        },
    ),
    Comments(
        table="portfolio_cash_transactions",
        about="Entries of the ledger that are no trades",
        columns={
            "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of the entries"),
            "portfolio_id": ("{int} NOT NULL", "mock_portfolio.id"),
            "kind": ("{name} NOT NULL", "deposit, withdrawal, baseline or adjustment"),
            "cash_delta": ("{amount} NOT NULL", "by how much cash moved, in USD"),
            "net_deposits_delta": ("{amount} NOT NULL", "by how much net deposits moved"),
            "realized_delta": ("{amount} NOT NULL", "by how much the realized result moved"),
            "value_before": ("{amount} NOT NULL", "the portfolio value just before"),
            "moved_at": ("{moment} NOT NULL", "UTC moment of the entry"),
            "ledger_revision": ("{big} NOT NULL", "the ledger revision after this entry"),
            "owner": ("{owner} NOT NULL", "whose entry it is"),
            "client_transaction_id": ("{key} NULL", "the key of the client, unique within the owner"),
            "fingerprint": ("{digest} NULL", "digest of what was asked for"),
            "note": ("{long_text} NULL", "a remark"),
            "cash_after": ("{amount} NOT NULL", "cash after the entry"),
            "net_deposits_after": ("{amount} NOT NULL", "net deposits after the entry"),
        },
    ),
    Comments(
        table="portfolio_position_adjustments",
        about="By how much a baseline or an adjustment changed positions",
        columns={
            "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of the entries"),
            "cash_transaction_id": ("{big} NOT NULL", "portfolio_cash_transactions.id"),
            "symbol": ("{symbol} NOT NULL", "the asset"),
            "quantity_delta": ("{amount} NOT NULL", "by how much its ledger quantity changed"),
        },
    ),
    Comments(
        table="portfolio_leases",
        about="Which instance may do what only one may do",
        columns={
            "name": ("VARCHAR(64) NOT NULL", "what the lease is for"),
            "holder": ("{owner} NOT NULL", "the instance that has it"),
            "token": ("{big} NOT NULL", "grows with each change of the holder"),
            "expires_at": ("{moment} NOT NULL", "UTC moment until which it is held"),
        },
    ),
    Comments(
        table="portfolio_price_history",
        about="Observed prices of the last days, and one close a day",
        in_prices=True,
        columns={
            "id": ("BIGINT NOT NULL AUTO_INCREMENT", "number of the row"),
            "symbol": ("{symbol} NOT NULL", "the asset"),
            "granularity": ("VARCHAR(4) NOT NULL", "tick or day"),
            "observed_at": ("{moment} NOT NULL", "UTC moment of the price, for a close midnight of the day"),
            "price": ("{amount} NOT NULL", "USD for one unit"),
            "source": ("{source} NOT NULL", "where the price is from"),
        },
    ),
    Comments(
        table="portfolio_close_marks",
        about="When closes of an asset were last written",
        in_prices=True,
        columns={
            "symbol": ("{symbol} NOT NULL", "the asset"),
            "price_revision": ("{big} NOT NULL", "mock_portfolio.price_revision of that moment"),
        },
    ),
    Comments(
        table="portfolio_rebalance_signals",
        about="Trades that the rebalancing plan asked for",
        columns={
            "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of creation"),
            "signal_id": ("{key} NOT NULL", "the id that clients see"),
            "portfolio_id": ("{int} NOT NULL", "mock_portfolio.id"),
            "symbol": ("{symbol} NOT NULL", "the asset"),
            "action": ("VARCHAR(4) NOT NULL", "BUY or SELL"),
            "reason": ("VARCHAR(40) NOT NULL", "the strategy that asked for it first"),
            "also": ("VARCHAR(255) NOT NULL", "further strategies, with commas between"),
            "quantity": ("{amount} NOT NULL", "units to trade"),
            "trade_value": ("{amount} NOT NULL", "their value in USD"),
            "estimated_fee": ("{amount} NOT NULL", "fee that is expected, in USD"),
            "current_allocation": ("{amount} NOT NULL", "percent of the total value, before"),
            "target_allocation": ("{amount} NOT NULL", "percent of the total value, after"),
            "priority": ("VARCHAR(10) NOT NULL", "how urgent it is"),
            "confidence": ("{amount} NOT NULL", "0 to 1"),
            "evidence": ("{long_text} NOT NULL", "JSON of the proposal of each strategy"),
            "ledger_revision": ("{big} NOT NULL", "the ledger revision that it was made from"),
            "price_revision": ("{big} NOT NULL", "the revision of prices that it was made from"),
            "policy_id": ("VARCHAR(64) NOT NULL", "the policy that it was made by"),
            "statistics_day": ("DATE NOT NULL", "the UTC day of the statistics that it was made from"),
            "state": ("{digest} NOT NULL", "digest of all that it was made from"),
            "created_at": ("{moment} NOT NULL", "UTC moment of creation"),
            "expires_at": ("{moment} NOT NULL", "UTC moment at which it runs out"),
            "status": ("VARCHAR(12) NOT NULL", "open, acknowledged, executed, expired or superseded"),
            "acknowledged_by": ("{owner} NULL", "who claimed it"),
            "acknowledged_at": ("{moment} NULL", "UTC moment of the claim"),
            "executed_trade_id": ("{int} NULL", "mock_trades.id of the trade that carried it out"),
            "superseded_by": ("{key} NULL", "signal_id of the signal in its place"),
        },
    ),
    Comments(
        table="portfolio_daily_positions",
        about="What was held at the end of each day",
        columns={
            "day": ("DATE NOT NULL", "the UTC day"),
            "positions": (
                "{long_text} NOT NULL",
                "JSON by asset of quantity, value, cost basis, result, and whether priced",
            ),
        },
    ),
    Comments(
        table="portfolio_schema_version",
        about="The revision of these tables",
        columns={"version_num": ("VARCHAR(32) NOT NULL", "the newest migration that was applied")},
    ),
)


def upgrade() -> None:
    """Apply this step."""
    for comments in COMMENTS:
        comments.apply()


def downgrade() -> None:
    """Take this step back."""
    for comments in COMMENTS:
        comments.revert()
