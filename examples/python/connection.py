"""A channel to the service: TLS, a client certificate, a bearer token. docs/integration.md says what each is for."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import grpc


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument("--ca", type=Path, help="PEM file of who issued the server's certificate; without it no TLS")
    parser.add_argument("--certificate", type=Path, help="PEM file of this client's certificate chain (mutual TLS)")
    parser.add_argument("--key", type=Path, help="PEM file of its private key")
    parser.add_argument("--token-file", type=Path, help="file that holds a token")


def credentials(args: argparse.Namespace) -> grpc.ChannelCredentials | None:
    if not args.ca:
        return None
    key, chain = (path.read_bytes() if path else None for path in (args.key, args.certificate))
    return grpc.ssl_channel_credentials(args.ca.read_bytes(), key, chain)


def metadata(args: argparse.Namespace) -> Sequence[tuple[str, str]]:
    """Goes with every call. Read again for each, so that a new token in the file is used."""
    if not args.token_file:
        return ()
    return (("authorization", f"Bearer {args.token_file.read_text().strip()}"),)
