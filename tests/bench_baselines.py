"""What ``make bench`` compares leadsvc with (SPEC §14): the least that an endpoint for leads can do.

A: Flask and one durable INSERT of the body. B: Flask, JSON, marshmallow (20 fields and a nested schema), a SELECT for a
duplicate, then two INSERTs, lead and outbox row, in one commit. Both by SQLAlchemy Core, as a careful developer would.

    python -m tests.bench_baselines PORT DATABASE-URL WORKERS THREADS
"""

from __future__ import annotations

import hashlib
import os
import sys
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from granian.constants import Interfaces
from granian.server import Server
from marshmallow import INCLUDE, Schema, fields, validate
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Engine,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    select,
)

metadata = MetaData()
bodies = Table(
    "bodies",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
leads = Table(
    "leads",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False, index=True),
    Column("lead", JSON, nullable=False),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("lead_id", BigInteger, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False, index=True),
    Column("state", Text, nullable=False),
)


class PersonSchema(Schema):
    class Meta:
        unknown = INCLUDE

    given = fields.String(validate=validate.Length(max=200))
    family = fields.String(validate=validate.Length(max=200))
    name = fields.String(validate=validate.Length(max=300))
    suffix = fields.String(validate=validate.Length(max=20))
    title = fields.String(validate=validate.Length(max=20))
    pronoun = fields.String(validate=validate.Length(max=20))


class LeadSchema(Schema):
    class Meta:
        unknown = INCLUDE

    person = fields.Nested(PersonSchema, required=True)
    email = fields.Email(required=True)
    phone = fields.String(allow_none=True, validate=validate.Length(max=60))
    property = fields.Dict(required=True)
    unit = fields.String(validate=validate.Length(max=100))
    floor_plan = fields.String(validate=validate.Length(max=200))
    bedrooms = fields.Integer(validate=validate.Range(0, 10))
    bathrooms = fields.Float(validate=validate.Range(0, 10))
    move_in = fields.Date()
    budget = fields.Dict()
    occupants = fields.Integer(validate=validate.Range(0, 50))
    pets = fields.Boolean()
    lease_term_months = fields.Integer(validate=validate.Range(0, 120))
    message = fields.String(validate=validate.Length(max=20_000))
    contact_type = fields.String(validate=validate.Length(max=40))
    source = fields.String(validate=validate.Length(max=100))
    campaign = fields.String(validate=validate.Length(max=300))
    utm = fields.Dict()
    external_id = fields.String(validate=validate.Length(max=200))
    occurred_at = fields.AwareDateTime()
    language = fields.String(validate=validate.Length(max=20))


_SCHEMA = LeadSchema()


def create_app(engine: Engine) -> Flask:
    """Both baselines on one application."""
    app = Flask("baselines", static_folder=None)

    @app.post("/a")
    def one_insert() -> Response:
        with engine.begin() as connection:
            connection.execute(insert(bodies), {"received_at": datetime.now(UTC), "body": request.get_data()})
        return jsonify(status="accepted")

    @app.post("/b")
    def select_and_two_inserts() -> Response:
        raw = request.get_data()
        lead = _SCHEMA.load(request.get_json())
        digest = hashlib.sha256(raw).hexdigest()
        now = datetime.now(UTC)
        with engine.begin() as connection:
            known = connection.execute(select(leads.c.id).where(leads.c.digest == digest)).scalar_one_or_none()
            if known is not None:
                return jsonify(status="duplicate", id=known)
            row = {"received_at": now, "digest": digest, "email": lead["email"], "lead": request.get_json()}
            made = connection.execute(insert(leads).returning(leads.c.id), row).scalar_one()
            connection.execute(insert(outbox), {"lead_id": made, "due_at": now, "state": "pending"})
        return jsonify(status="accepted", id=made)

    return app


def _from_environment() -> Flask:
    return create_app(create_engine(os.environ["BENCH_DATABASE_URL"], pool_size=16, max_overflow=16))


def __getattr__(name: str) -> Any:
    """``app``, made when a server's worker asks for it: connections must not be shared by processes."""
    if name == "app":
        return _from_environment()
    raise AttributeError(name)


def main(port: str, url: str, workers: str, threads: str) -> None:
    """Serve as ``leadsvc serve`` does."""
    metadata.create_all(create_engine(url))
    os.environ["BENCH_DATABASE_URL"] = url
    server = Server(
        "tests.bench_baselines:app",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        workers=int(workers),
        blocking_threads=int(threads),
        backlog=1024,
        log_access=False,
    )
    server.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
