"""A Superset of its own, fresh in a folder, with the bundle in it; runs in `.venv-superset`.

`python -m bi.superset.instance BUNDLE --port N` serves one on this machine alone until it is ended, for the user
`admin` with the password in `SUPERSET_PASSWORD`. Here: making one, importing, serving. Not here: how yours should be
set up (Superset's documentation tells), and what is looked at (``check``, ``pictures``).
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

USER = "admin"
# Of the two imports there are, the second replaces what is there: it is how a newer bundle comes in.
FIRST_IMPORT = ("dashboard", "formData")
NEXT_IMPORT = ("assets", "bundle")


def main() -> None:
    """Serve an instance with a bundle."""
    parser = argparse.ArgumentParser(prog="python -m bi.superset.instance")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--port", type=int, default=8088)
    arguments = parser.parse_args()
    password = os.environ["SUPERSET_PASSWORD"]
    with tempfile.TemporaryDirectory() as folder:
        app = make_instance(Path(folder), password)
        import_bundle(signed_in(app, password), arguments.bundle, *FIRST_IMPORT)
        app.run("127.0.0.1", arguments.port, threaded=True)


def make_instance(folder: Path, password: str) -> Any:
    """A Flask application whose metadata is a new SQLite database in ``folder``, and whose one user is an admin."""
    config = folder / "superset_config.py"
    metadata = f"sqlite:///{folder}/metadata.db"
    config.write_text(
        f"SECRET_KEY = {secrets.token_urlsafe(48)!r}\n"
        f"SQLALCHEMY_DATABASE_URI = {metadata!r}\n"
        # Nothing but this machine reaches it, by HTTP.
        "WTF_CSRF_ENABLED = TALISMAN_ENABLED = SESSION_COOKIE_SECURE = RATELIMIT_ENABLED = False\n"
    )
    os.environ |= {"SUPERSET_CONFIG_PATH": str(config), "SUPERSET_HOME": str(folder)}
    # Superset reads its configuration when it is imported.
    import flask_migrate
    import superset
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        flask_migrate.upgrade(directory=str(Path(superset.__file__).with_name("migrations")))
        superset.appbuilder.add_permissions(update_perms=True)
        users = superset.security_manager
        users.sync_role_definitions()
        users.add_user(USER, "Ada", "Min", "admin@example.com", users.find_role("Admin"), password=password)
    return app


def signed_in(app: Any, password: str) -> Any:
    """A client that calls the instance as its user, without a network."""
    client = app.test_client()
    login = {"username": USER, "password": password, "provider": "db"}
    answer = client.post("/api/v1/security/login", json=login)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {answer.json['access_token']}"
    return client


def import_bundle(client: Any, bundle: Path, kind: str, field: str) -> None:
    """Import a bundle by one of the two ways; SystemExit tells why it is refused."""
    with bundle.open("rb") as file:
        answer = client.post(f"/api/v1/{kind}/import/", data={field: (file, bundle.name)})
    if answer.status_code != 200:
        raise SystemExit(f"Superset refuses the bundle as {kind}: {answer.text}")


if __name__ == "__main__":
    main()
