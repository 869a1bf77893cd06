"""Builds with Mininet the hosts, links, addresses and rules that it reads as JSON, and prints the seconds that it took."""
import json
import sys
import time

from mininet.link import Link
from mininet.net import Mininet
from mininet.node import Node

plan = json.load(sys.stdin)
start = time.time()
net = Mininet(topo=None, build=False)
nodes = {name: net.addHost(name, cls=Node, ip=None) for name in plan["namespaces"]}
for first, first_port, second, second_port in plan["links"]:
    Link(nodes[first], nodes[second], intfName1=first_port, intfName2=second_port)
for name, commands in plan["commands"].items():
    for command in commands:
        nodes[name].cmd(command)
print(time.time() - start)
net.stop()
