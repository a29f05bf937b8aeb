"""A time-stamping authority on this machine: OpenSSL's own, behind a small server, with certificates of its own."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIGURATION = """
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """Certificates in a folder, and what it answers; `says` takes the place of a time-stamp."""

    def __init__(self, folder: Path) -> None:
        self.openssl = shutil.which("openssl") or pytest.fail(
            "The test of time-stamps needs the program openssl: apt-get install openssl.", pytrace=False
        )
        self.folder = folder
        self.root = folder / "root.pem"
        self.asked = 0
        self.says: tuple[int, str, bytes] | None = None
        self.address = ""
        folder.mkdir(exist_ok=True)
        (folder / "serial").write_text("01\n", encoding="ascii")
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
        self._certify()

    def _certify(self) -> None:
        root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "示例根 Example Root")])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "示例时间戳 Example Stamps")])
        now = datetime.now(UTC)
        about = {"key_cert_sign": False, "crl_sign": False, "content_commitment": False, "key_encipherment": False}
        rest = {"data_encipherment": False, "key_agreement": False, "encipher_only": False, "decipher_only": False}

        def built(subject: x509.Name, public: rsa.RSAPublicKey) -> x509.CertificateBuilder:
            return (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(root_name)
                .public_key(public)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=2))
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
                )
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            )

        root = (
            built(root_name, root_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=False, **{**about, "key_cert_sign": True}, **rest), critical=True
            )
            .sign(root_key, hashes.SHA256())
        )
        signer = (
            built(name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, **about, **rest), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        plain = serialization.NoEncryption()
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self.root.write_bytes(root.public_bytes(pem))
        (self.folder / "signer.pem").write_bytes(signer.public_bytes(pem))
        (self.folder / "signer.key").write_bytes(key.private_bytes(pem, form, plain))

    def stamp(self, query: bytes) -> bytes:
        """OpenSSL's answer to a query."""
        self.asked += 1
        asked, answer = self.folder / f"{self.asked}.tsq", self.folder / f"{self.asked}.tsr"
        asked.write_bytes(query)
        command = [self.openssl, "ts", "-reply", "-queryfile", str(asked), "-out", str(answer)]
        command += ["-config", str(self.folder / "tsa.cnf"), "-section", "authority"]
        command += ["-signer", str(self.folder / "signer.pem"), "-inkey", str(self.folder / "signer.key")]
        subprocess.run(command, check=True, capture_output=True)
        return answer.read_bytes()


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """An authority that answers over HTTP until the block ends."""
    found = Authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            status, kind, body = found.says or (200, "application/timestamp-reply", found.stamp(query))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.address = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join(timeout=10)
