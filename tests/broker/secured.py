"""A real Kafka that wants to know who is there: certificates, passwords, tokens, and an authorizer."""

import subprocess
from pathlib import Path

from cli.broker import free_port
from schemas.acls import PROCESSES
from schemas.settings import Settings
from tests.broker.brokers import Kafka
from tests.broker.tokens import AUDIENCE, ISSUER, PASSWORD, SUPER, make_keys

_SASL = "org.apache.kafka.common.security"


class Secured(Kafka):
    """Kafka with five listeners: one for ourselves, and one for each way to be let in. Nobody else may do anything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ports = {name: free_port() for name in ("LOGIN", "PLAINLOGIN", "CERT", "TLS")}
        self.certificates = folder / "certificates"
        make_certificates(self.certificates)
        make_keys(self.certificates)

    @property
    def _keys(self) -> str:
        return (self.certificates / "jwks.json").as_uri()

    def at(self, listener: str) -> str:
        """Return the address of a listener."""
        return f"127.0.0.1:{self.ports[listener]}"

    def java_options(self) -> list[str]:
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys}"]

    def format_options(self) -> list[str]:
        mechanisms = ("SCRAM-SHA-256", "SCRAM-SHA-512")
        return [part for one in mechanisms for part in ("--add-scram", f"{one}=[name={SUPER},password={PASSWORD}]")]

    def properties(self) -> str:
        listeners = {"INTERNAL": self.port, **self.ports}
        all_of_them = ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items())
        users = " ".join(f'user_{name}="{PASSWORD}"' for name in (SUPER, *PROCESSES))
        plain = f"{_SASL}.plain.PlainLoginModule required {users};"
        own = {
            "listeners": f"{all_of_them},CONTROLLER://127.0.0.1:{self.controller}",
            "advertised.listeners": all_of_them,
            "inter.broker.listener.name": "INTERNAL",
            "listener.security.protocol.map": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,"
            "PLAINLOGIN:SASL_PLAINTEXT,CERT:SSL,TLS:SSL",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{SUPER};User:CN={SUPER}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates / "server.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates / "ca.crt",
            "listener.name.cert.ssl.client.auth": "required",
            "listener.name.login.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "listener.name.login.scram-sha-256.sasl.jaas.config": f"{_SASL}.scram.ScramLoginModule required;",
            "listener.name.login.scram-sha-512.sasl.jaas.config": f"{_SASL}.scram.ScramLoginModule required;",
            "listener.name.login.oauthbearer.sasl.jaas.config": f"{_SASL}.oauthbearer.OAuthBearerLoginModule required;",
            "listener.name.login.oauthbearer.sasl.server.callback.handler.class": f"{_SASL}.oauthbearer."
            "OAuthBearerValidatorCallbackHandler",
            "sasl.oauthbearer.jwks.endpoint.url": self._keys,
            "sasl.oauthbearer.expected.audience": AUDIENCE,
            "sasl.oauthbearer.expected.issuer": ISSUER,
            "sasl.oauthbearer.clock.skew.seconds": 0,
            "listener.name.plainlogin.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.plainlogin.plain.sasl.jaas.config": plain,
        }
        return super().properties() + "\n" + "\n".join(f"{name}={value}" for name, value in own.items())


def make_certificates(folder: Path) -> None:
    """Make an authority, a certificate of the broker for 127.0.0.1, one of a client, and one of a stranger."""
    folder.mkdir()
    for authority in ("ca", "strangers"):
        _openssl(
            folder,
            f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={authority}"
            f" -keyout {authority}.key -out {authority}.crt",
        )
    for name, authority, common in (
        ("server", "ca", "server"),
        ("client", "ca", SUPER),
        ("stranger", "strangers", SUPER),
    ):
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1")
        _openssl(folder, f"req -newkey rsa:2048 -nodes -subj /CN={common} -keyout {name}.key -out {name}.csr")
        _openssl(
            folder,
            f"x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial -days 2"
            f" -extfile {name}.ext -out {name}.crt",
        )
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    _openssl(folder, "pkcs8 -topk8 -v2 aes256 -in client.key -passout pass:sesame -out locked.key")


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings that were made explicitly as the variables of a process."""
    found = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        found[f"EARSHOT_{name.upper()}"] = (
            value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        )
    return found
