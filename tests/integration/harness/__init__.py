"""What the integration tests share: servers, the proxy, accounts and a raw protocol client."""
