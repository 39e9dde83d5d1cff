"""The cast: who plays in the tests.

Alice owns a project and Bob is an agent in it. Charlie owns another one and must see nothing of
theirs. Pat is a person whom Alice's project tracks. Each test gets a cast of its own.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.test import Client

from regulars.kit import clock
from regulars.people.person import Person
from regulars.workspaces import actions
from regulars.workspaces.audit import Actor
from regulars.workspaces.keys import ProjectConfig, load_project
from regulars.workspaces.models import Agent
from tests.slices.tracking.site import Site, identify

PASSWORD = "a sentence is easiest to keep"

BACKEND = "regulars.workspaces.authentication.PasswordBackend"


class Colleague:
    """An agent and their browser, signed in from its first use on."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    @cached_property
    def client(self) -> Client:
        client = Client(REMOTE_ADDR="192.0.2.1")
        client.force_login(self.agent, backend=BACKEND)
        return client

    @property
    def id(self) -> UUID:
        return self.agent.id

    @property
    def email(self) -> str:
        return self.agent.email

    @property
    def actor(self) -> Actor:
        return Actor(self.id, "192.0.2.1")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project and its secret key."""

    config: ProjectConfig
    secret_key: str

    @property
    def id(self) -> UUID:
        return self.config.id

    @property
    def write_key(self) -> str:
        return self.config.write_keys[0]

    def url(self, rest: str = "") -> str:
        """A page of the project in the console."""
        return f"/p/{self.id}/{rest}"


class Cast:
    """Alice and Bob in one project, Charlie in another."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.home = self.workspace("Tideway Coffee")
        self.alice = self.colleague("Alice", self.home, "owner")
        self.bob = self.colleague("Bob", self.home, "agent")

    @cached_property
    def elsewhere(self) -> Workspace:
        """Charlie's project. It is there, and so are they, from the moment a test asks for them."""
        return self.workspace("Elsewhere")

    @cached_property
    def charlie(self) -> Colleague:
        """The owner of another project."""
        return self.colleague("Charlie", self.elsewhere, "owner")

    @cached_property
    def pat(self) -> Person:
        """Pat, tracked by Alice's project from the moment a test asks for them."""
        return self.tracked("pat", name="Pat Doe", email="pat@example.com", plan="pro")

    def tracked(self, user_id: str, **traits: Any) -> Person:
        """A user whom Alice's project tracks: identified by their browser, a moment ago."""
        site = Site(self.connection, self.home.config, self.home.secret_key)
        site.send(identify(user_id, f"{user_id}-browser", traits), at=clock.now())
        person = site.person_of(user=user_id)
        assert person is not None
        return person

    def workspace(self, name: str) -> Workspace:
        """Another project."""
        made = actions.create_project(name, now=clock.now())
        config = load_project(self.connection, made.project_id)
        assert config is not None
        return Workspace(config, made.secret_key)

    def colleague(self, name: str, workspace: Workspace, role: str) -> Colleague:
        """Another agent of a project, in a browser of their own."""
        email = f"{name.lower()}.{secrets.token_hex(6)}@example.com"
        agent_id = actions.create_agent(
            workspace.id, email, PASSWORD, role, now=clock.now(), name=name
        )
        return Colleague(Agent.objects.get(id=agent_id))


@pytest.fixture
def cast(database: psycopg.Connection[Any], settings: Any) -> Cast:
    """A cast of the test's own. Its passwords are hashed as cheaply as can be."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Cast(database)
