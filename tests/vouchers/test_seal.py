"""The seal: nothing committed is lost, nothing uncommitted is taken, and a cut, a forged head or a copy of the database shows."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import SYSTEM
from core.audit import record
from core.db import make_engine
from tests.vouchers import model
from vouchers import people, roots, seal, sealed, verifying
from vouchers.sealed import Sealed

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def everything(session):
    """Seal all that may be sealed, sign it, and return how many blocks that made."""
    made = 0
    while seal.seal(session):
        session.commit()
        made += 1
    roots.publish(session, KEY)
    session.commit()
    return made


def findings(session, *kept, **more):
    return [(one.wrong, one.table, one.id) for one in verifying.verify(session, kept, **more).findings]


def note(session, number):
    return record(session, SYSTEM, "test", number, "note")


def order_of(session):
    return (
        session.execute(text("SELECT a.subject_id FROM audit_leaf l JOIN audit a ON a.id = l.audit_id ORDER BY l.block_id, l.position"))
        .scalars()
        .all()
    )


@pytest.fixture
def paid(committed_db):
    """Give a session on a database where one voucher was issued, used and claimed, all committed."""
    with committed_db.session() as session:
        model.claimed(session, model.deal(session))
        session.commit()
        session.info.clear()
        yield session


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_what_was_sealed_is_found_whole_under_either_hash(paid, algorithm):
    assert seal.due(paid) == [1]
    assert seal.seal(paid, algorithm=algorithm) == 1
    paid.commit()
    assert seal.due(paid) == []
    report = verifying.verify(paid)
    assert report.findings == []
    assert report.pending == 0
    assert report.records == paid.scalar(text("SELECT count(*) FROM audit")) > 5
    assert paid.scalar(text("SELECT algorithm FROM audit_block")) == algorithm


def test_every_kind_of_row_is_under_a_leaf(paid):
    everything(paid)
    there = set(paid.scalars(text("SELECT DISTINCT table_name FROM audit_item")))
    assert {"audit", "request", "transfer", "posting", "account", "policy_version", "application", "voucher", "hold", "claim", "evidence"} <= there


def test_blocks_follow_one_another_and_hashes_may_change_between_them(paid):
    while seal.seal(paid, limit=2, algorithm="sm3" if paid.query(seal.Block).count() % 2 else "sha256"):
        paid.commit()
    blocks = paid.query(seal.Block).order_by(seal.Block.id).all()
    assert len(blocks) > 2
    assert [one.before for one in blocks[1:]] == [one.head for one in blocks[:-1]]
    assert findings(paid) == []


def test_a_paper_that_goes_on_is_sealed_again_as_it_stands_then(paid):
    everything(paid)
    claim = paid.scalar(text("SELECT id FROM claim"))
    model.at(paid, model.NOW)
    model.check(paid, claim)
    paid.commit()
    assert findings(paid) == [], "a change whose record waits for its block is no damage"
    assert everything(paid) == 1
    assert paid.scalar(text("SELECT count(*) FROM audit_item WHERE table_name = 'claim'")) == 2
    assert findings(paid) == []


def test_the_record_of_a_long_transaction_is_neither_lost_nor_out_of_order(committed_db):
    with committed_db.session() as slow, committed_db.session() as quick, committed_db.session() as sealer:
        note(quick, 1)
        quick.commit()
        note(slow, 2)
        note(quick, 3)
        quick.commit()
        everything(sealer)
        assert order_of(sealer) == [1], "a record behind a running transaction waits"
        note(quick, 4)
        quick.commit()
        everything(sealer)
        assert order_of(sealer) == [1]
        slow.commit()
        everything(sealer)
        assert order_of(sealer) == [1, 2, 3, 4]
        assert findings(sealer) == []


def test_a_transaction_that_began_before_and_wrote_after_is_not_lost(committed_db):
    with committed_db.session() as slow, committed_db.session() as quick, committed_db.session() as sealer:
        slow.execute(text("SELECT nextval('audit_id_seq')"))
        note(quick, 1)
        quick.commit()
        note(slow, 2)
        everything(sealer)
        slow.commit()
        everything(sealer)
        assert sorted(order_of(sealer)) == [1, 2]


def test_records_of_many_writers_are_each_sealed_once_while_sealers_race(committed_db):
    def write(number):
        with committed_db.session() as session:
            for n in range(20):
                note(session, number * 100 + n)
                session.commit() if n % 5 else session.rollback()

    def run():
        with committed_db.session() as session:
            for _ in range(15):
                seal.seal(session, limit=7)
                session.commit()

    threads = [*(Thread(target=write, args=(n,)) for n in range(4)), *(Thread(target=run) for _ in range(2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with committed_db.session() as session:
        everything(session)
        assert len(order_of(session)) == len(set(order_of(session))) == session.scalar(text("SELECT count(*) FROM audit"))
        order = "SELECT a.txid FROM audit_leaf l JOIN audit a ON a.id = l.audit_id ORDER BY l.block_id, l.position"
        found = session.execute(text(order)).scalars().all()
        assert found == sorted(found), "records stand in the order of their transactions"
        assert findings(session) == []


def test_only_a_root_that_was_kept_shows_a_consistent_cut(committed_db, paid):
    everything(paid)
    model.deal(paid, code="huzhou-2017")
    paid.commit()
    everything(paid)
    kept = list(roots.published(paid))
    last = kept[-1].block
    with Session(committed_db.owner) as thief:
        thief.execute(text("SET session_replication_role = replica"))
        cut = thief.scalars(text("SELECT audit_id FROM audit_leaf WHERE block_id = :b"), {"b": last}).all()
        for table, rows in _rows_of(thief, cut).items():
            thief.execute(text(f"DELETE FROM {table} WHERE id = ANY(:rows)"), {"rows": rows})
        thief.execute(text("DELETE FROM audit_item WHERE audit_id = ANY(:cut)"), {"cut": cut})
        for table, column in (("audit_leaf", "block_id"), ("audit_root", "block_id"), ("audit_block", "id")):
            thief.execute(text(f"DELETE FROM {table} WHERE {column} = :b"), {"b": last})
        assert findings(thief) == [], "a tail that was cut in all tables leaves no trace in the database"
        assert findings(thief, *kept) == [("cut", "audit_block", last)]


def _rows_of(session, audits):
    query = "SELECT table_name, array_agg(row_id) AS rows FROM audit_item WHERE audit_id = ANY(:a) GROUP BY 1"
    return {row.table_name: row.rows for row in session.execute(text(query), {"a": audits})}


def test_a_root_with_another_head_or_another_key_is_named(paid):
    everything(paid)
    one = next(roots.published(paid))
    assert findings(paid, one, public_key=one.public_key) == []
    assert findings(paid, replace(one, head="00" * 32)) == [("signature", "audit_root", 1)]
    other = Ed25519PrivateKey.generate()
    forged = replace(
        one,
        head="00" * 32,
        public_key=other.public_key().public_bytes_raw().hex(),
        signature=other.sign(roots.message(1, one.algorithm, "00" * 32)).hex(),
    )
    assert findings(paid, forged) == [("chain", "audit_block", 1)]
    assert findings(paid, forged, public_key=one.public_key) == [("signature", "audit_root", 1)]
    assert roots.read([one.line(), "\n"]) == [one]


def test_a_restored_dump_verifies_with_the_same_root_and_goes_on(paid, committed_db, empty_url):
    note(paid, 9)
    everything(paid)
    note(paid, 10)
    paid.commit()
    head = verifying.verify(paid).head
    plain = [url.replace("+psycopg", "", 1) for url in (committed_db.url, empty_url)]
    dump = subprocess.run(["pg_dump", plain[0]], check=True, capture_output=True)
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", plain[1]], input=dump.stdout, check=True, capture_output=True)
    engine = make_engine(empty_url)
    with Session(engine) as restored:
        report = verifying.verify(restored)
        assert (report.head, report.findings, report.pending) == (head, [], 1)
        for number in (11, 12):
            note(restored, number)
            restored.commit()
            assert everything(restored) == 1
        assert order_of(restored)[-3:] == [10, 11, 12]
        assert findings(restored, *roots.published(paid)) == []
    engine.dispose()


def test_a_record_from_another_cluster_with_a_later_number_is_sealed_all_the_same(committed_db):
    """A dump of an older, larger cluster brings transaction numbers that this one reaches in years."""
    with committed_db.session() as session, Session(committed_db.owner) as owner:
        query = "INSERT INTO audit (role, subject, subject_id, event, before, after, reason, detail, txid) VALUES ('system', 'test', :n, 'x', '', '', '', '{}', :t)"
        for n in (1, 2, 3):
            owner.execute(text(query), {"n": n, "t": 10**9 + n})
        owner.commit()
        note(session, 4)
        session.commit()
        while seal.seal(session, limit=2):
            session.commit()
        session.commit()
        assert sorted(order_of(session)) == [1, 2, 3, 4]
        assert findings(session) == []


def test_the_application_can_neither_change_nor_remove_a_seal(paid):
    everything(paid)
    for table in ("audit_block", "audit_leaf", "audit_item", "audit_root", "audit_shape"):
        with pytest.raises(Exception, match="permission denied"):
            paid.execute(text(f"DELETE FROM {table}"))
        paid.rollback()


def test_a_person_is_erased_and_the_chain_still_verifies(paid, monkeypatch, committed_db):
    """Whatever stands in a personal column is under a salted hash: the key decides whether it can be checked."""
    purpose = Sealed("application", _rule("application"), personal=("purpose",), person="'organisation:' || t.holder_id")
    changed = tuple(purpose if one.table == "application" else one for one in sealed.SEALED)
    monkeypatch.setattr(seal, "SEALED", changed)
    monkeypatch.setattr(verifying, "SEALED", changed)
    everything(paid)
    assert findings(paid) == []
    with Session(committed_db.owner) as owner:
        row, holder = owner.execute(text("SELECT id, holder_id FROM application")).one()
        owner.execute(text("UPDATE application SET purpose = ''"))
        assert findings(owner) == [("edited", "application", row)]
        people.erase(owner, SYSTEM, person=f"organisation:{holder}", reason="本人要求")
        owner.commit()
        assert findings(owner) == []
    assert everything(paid) == 1
    assert findings(paid) == []


def _rule(table):
    return next(one.rows for one in sealed.SEALED if one.table == table)
