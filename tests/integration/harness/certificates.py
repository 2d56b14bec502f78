"""Certificates of all kinds, made by openssl."""

import subprocess


class Authority:
    """A certificate authority in a folder, and what it signs."""

    def __init__(self, folder, name="test CA"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.key, self.certificate = folder / "ca-key.pem", folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "30",
                "-subj", f"/CN={name}")

    def issue(self, name, names="IP:127.0.0.1,DNS:localhost", days=30, start=None):
        """(certificate, key) for a server or client; `start`, `days`: "20200101000000Z" and on."""
        key, request, certificate = (self.folder / f"{name}{end}" for end in ("-key.pem", ".csr", ".pem"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        if start is None:
            openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", days,
                    "-extfile", extensions, "-out", certificate)
        else:
            database = self.folder / f"{name}.db"
            database.write_text("")
            (self.folder / f"{name}.serial").write_text("1000\n")
            config = self.folder / f"{name}.cnf"
            config.write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={database}\nserial={self.folder}/{name}.serial\n"
                              f"new_certs_dir={self.folder}\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n")
            openssl("ca", "-batch", "-config", config, "-in", request, "-cert", self.certificate, "-keyfile", self.key,
                    "-startdate", start, "-enddate", days, "-extfile", extensions, "-out", certificate, "-notext")
        return certificate, key


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
