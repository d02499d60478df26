"""Self-signed certificates, each in a pair NAME.crt and NAME.key."""

import subprocess

_KEYS = {
    "ecdsa": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    "rsa": ("-newkey", "rsa:2048"),
}


def make(directory, stem, names, kind="ecdsa"):
    """Writes STEM.crt and STEM.key into the directory; returns the certificate's path."""
    directory.mkdir(exist_ok=True)
    alternatives = ",".join(f"DNS:{name}" for name in names)
    certificate = directory / f"{stem}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", *_KEYS[kind], "-nodes", "-days", "2", "-subj", f"/CN={stem}"]
        + ["-addext", f"subjectAltName={alternatives}"]
        + ["-keyout", str(directory / f"{stem}.key"), "-out", str(certificate)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate


def bundle(path, certificates):
    """One file with all of them, for clients to trust."""
    path.write_bytes(b"".join(c.read_bytes() for c in certificates))
    return path
