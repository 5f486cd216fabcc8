"""How the service meets the network: sockets, hosts, bodies, proxies, start and end."""
