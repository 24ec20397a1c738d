"""Private IMAP servers on loopback: pymap from the locked packages, and Dovecot where it is installed. And a proxy that
cuts connections where a test wants them cut."""

from __future__ import annotations

import contextlib
import datetime
import grp
import ipaddress
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError
from pysasl.hashing import BuiltinHash

from tests.processes import Process, answers, eventually, free_port, running
from tests.servers import NOBODY

USER = "leads"
PASSWORD = "imap-password-of-the-tests"
NO_DOVECOT = (
    "no Dovecot on PATH: install dovecot-imapd to test against it as well (Debian: apt-get install dovecot-imapd)"
)

_DOVECOT_2_3 = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_process_limit = 300
first_valid_uid = 0
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 300
passdb {{
  driver = passwd-file
  args = {folder}/passwd
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""
_DOVECOT_OAUTH2 = """
introspection_mode = get
introspection_url = http://127.0.0.1:{tokens}/?token=
username_attribute = user
active_attribute = active
active_value = true
"""


@dataclass
class Imap:
    """A server that a test may stop, start and fill. ``tls_port`` is 0 where the server has none."""

    kind: str
    folder: Path
    command: Sequence[str | Path]
    port: int
    tls_port: int = 0
    user: str = USER
    uid: int | None = None
    process: Process | None = None
    _exits: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        self.process = self._exits.enter_context(running(self.command, cwd=self.folder, uid=self.uid))
        self.process.until(lambda: answers(self.port), f"{self.kind} accepts connections")

    def stop(self) -> None:
        self._exits.close()

    def kill(self) -> None:
        """As a machine that loses power; the mails stay on its disk."""
        assert self.process is not None
        self.process.kill()

    def client(self) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(self.user, PASSWORD)
        return client

    def deliver(self, mails: Sequence[bytes], folder: str = "INBOX") -> None:
        """Put ``mails`` into ``folder``, which is made when it is missing."""
        with self.client() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for mail in mails:
                client.append(folder, mail)

    def drop(self, mails: Sequence[bytes]) -> None:
        """Put ``mails`` into the INBOX's folder on disk, as a mail server that delivers would: a thousand a second."""
        home = self.folder / ("mail" if self.kind == "dovecot" else "") / self.user
        with self.client() as client:
            client.select_folder("INBOX", readonly=True)  # makes the folder
        for number, mail in enumerate(mails):
            file = home / "new" / f"{1_700_000_000 + number}.{number}.tests"
            file.write_bytes(mail)
            if self.uid is not None:
                os.chown(file, self.uid, pwd.getpwuid(self.uid).pw_gid)

    def count(self, folder: str) -> int:
        with self.client() as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"]) if client.folder_exists(folder) else 0

    def flags(self, folder: str) -> list[set[bytes]]:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return [set(flags) for flags in client.get_flags(client.search()).values()]

    def renumber(self, folder: str) -> None:
        """Give the mails of ``folder`` new UIDs under a new UIDVALIDITY, as a restored backup does."""
        with self.client() as client:
            client.select_folder(folder)
            mails = [each[b"BODY[]"] for each in client.fetch(client.search(), ["BODY.PEEK[]"]).values()]
            before = client.folder_status(folder, ["UIDVALIDITY"])[b"UIDVALIDITY"]
            client.unselect_folder() if client.has_capability("UNSELECT") else client.close_folder()
            client.rename_folder(folder, f"{folder}-before-{before}")
            client.create_folder(folder)
            for mail in mails:
                client.append(folder, mail)
        eventually(lambda: self._uidvalidity(folder) not in (0, before), "the folder has a new UIDVALIDITY")

    def _uidvalidity(self, folder: str) -> int:
        """0 while the server is at odds with itself about a folder that somebody still has open."""
        with self.client() as client, contextlib.suppress(IMAPClientError):
            return int(client.folder_status(folder, ["UIDVALIDITY"])[b"UIDVALIDITY"])
        return 0

    def set_password(self, password: str) -> None:
        """Change the account's password."""
        if self.kind == "dovecot":
            (self.folder / "passwd").write_text(f"{self.user}:{{PLAIN}}{password}::::::\n")
        else:
            # By default each login would be a fifth of a second of hashing, in which pymap does nothing else.
            secret = BuiltinHash(rounds=1).hash(password)
            (self.folder / "pymap-etc-shadow").write_text(f"{self.user}:{secret}:::::::\n")


@contextlib.contextmanager
def pymap(folder: Path) -> Iterator[Imap]:
    """pymap, with its mails on disk."""
    (folder / "pymap-etc-passwd").write_text(f"{USER}::::{USER}:{USER}:\n")
    (folder / "pymap-etc-group").write_text("")
    (folder / "pymap-etc-token").write_text("")
    port = free_port()
    binary = Path(sys.executable).parent / "pymap"
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-tls", "--no-service", "admin", "--no-service"]
    made = Imap("pymap", folder, [binary, *options, "managesieve", "maildir", folder], port)
    made.set_password(PASSWORD)
    yield from _kept(made)


def dovecot_version() -> tuple[int, int] | None:
    """The installed Dovecot, ``None`` when there is none that these tests know how to set up."""
    binary = shutil.which("dovecot")
    if binary is None:
        return None
    said = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout
    found = re.match(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found and (found[1], found[2]) == ("2", "3") else None


@contextlib.contextmanager
def dovecot(folder: Path, tokens: int = 1) -> Iterator[Imap]:
    """Dovecot 2.3 as the user who runs the tests, or as ``nobody`` when that is root, whom it refuses. ``tokens``: the
    port where it asks whether a token is good."""
    certificate(folder)
    (folder / "run").mkdir()
    uid = NOBODY if os.getuid() == 0 else os.getuid()
    gid = pwd.getpwuid(uid).pw_gid
    port, tls_port = free_port(), free_port()
    names = {"user": pwd.getpwuid(uid).pw_name, "group": grp.getgrgid(gid).gr_name, "uid": uid, "gid": gid}
    (folder / "dovecot.conf").write_text(_DOVECOT_2_3.format(folder=folder, port=port, tls_port=tls_port, **names))
    (folder / "oauth2").write_text(_DOVECOT_OAUTH2.format(tokens=tokens))
    made = Imap("dovecot", folder, ["dovecot", "-F", "-c", folder / "dovecot.conf"], port, tls_port)
    made.set_password(PASSWORD)
    if uid != os.getuid():
        made.uid = uid
        for each in (folder, *folder.iterdir()):
            os.chown(each, uid, gid)
    yield from _kept(made)


def _kept(made: Imap) -> Iterator[Imap]:
    made.start()
    try:
        yield made
    finally:
        made.stop()


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key in ``folder``; returns the certificate, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *pem))
    return folder / "cert.pem"


class Cutter:
    """A TCP proxy. :attr:`after`: bytes from the server after which the next connections are cut, in their order;
    further connections pass."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.after: list[int] = []
        self.cuts = 0
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_all(self) -> None:
        """Cut what is connected now."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                inner.close()
                continue
            with self._lock:
                self.connections += 1
                limit = self.after.pop(0) if self.after else None
                self._open |= {inner, outer}
            threading.Thread(target=self._pump, args=(inner, outer, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(outer, inner, limit), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(16_384):
                if limit is not None and len(data) > limit:
                    sink.sendall(data[:limit])
                    self.cuts += 1
                    break
                limit = None if limit is None else limit - len(data)
                sink.sendall(data)
        with self._lock:
            for each in (source, sink):
                self._open.discard(each)
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()


@contextlib.contextmanager
def cutter(target: int) -> Iterator[Cutter]:
    """A :class:`Cutter` in front of the server at ``target``."""
    made = Cutter(target)
    try:
        yield made
    finally:
        made.close()
