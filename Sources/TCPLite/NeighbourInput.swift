internal import DeviceMemory
internal import Packets
internal import Timeline

extension TCPStack {
    /// Answers requests for our address, and learns (RFC 826).
    mutating func arpInput(_ bytes: ByteView, _ origin: Origin, _ now: Instant) {
        guard let packet = ARPPacket(bytes) else {
            statistics.malformed &+= 1
            return
        }
        let interface = configuration.interface
        // A sender that claims our own address, or a group, teaches nothing.
        let teaches =
            packet.senderAddress != interface.address && packet.senderAddress != .any && !packet.senderMAC.isGroup
            && packet.senderMAC != .zero && !packet.senderAddress.isMulticast
        let isForUs = packet.targetAddress == interface.address
        if teaches {
            let resolved = neighbours.learn(
                InternetAddress(packet.senderAddress), packet.senderMAC, tags: origin.tags, create: isForUs, now: now,
                lifetime: configuration.neighbourLifetime)
            if resolved { unpark() }
        }
        if packet.operation == ARPPacket.reply { statistics.arpReplies &+= 1 }
        guard isForUs, packet.operation == ARPPacket.request, !packet.senderMAC.isGroup else { return }
        statistics.arpRequests &+= 1
        let answer = ARPPacket(
            operation: ARPPacket.reply, senderMAC: interface.mac, senderAddress: interface.address,
            targetMAC: packet.senderMAC, targetAddress: packet.senderAddress)
        send(answer, to: packet.senderMAC, tags: origin.tags)
    }

    /// Sends the requests that are due, as far as the output has room.
    mutating func requestNeighbours(_ now: Instant) {
        while !output.isFull,
            let neighbour = neighbours.nextRequest(
                now: now, retry: configuration.neighbourRetry, attempts: configuration.neighbourAttempts)
        {
            guard let address = neighbour.address.ipv4 else {
                solicit(neighbour)
                continue
            }
            let question = ARPPacket(
                operation: ARPPacket.request, senderMAC: configuration.interface.mac,
                senderAddress: configuration.interface.address, targetMAC: .zero, targetAddress: address)
            send(question, to: .broadcast, tags: neighbour.tags)
        }
    }

    /// Everybody who waits for an address gets another try.
    mutating func unpark() {
        while true {
            let i = parked.popFirst()
            if i < 0 { return }
            pending.append(i)
        }
    }

    private mutating func send(_ packet: ARPPacket, to mac: MACAddress, tags: LinkTags) {
        guard let frame = output.reserve() else {
            statistics.repliesDropped &+= 1
            return
        }
        let ethernet = EthernetHeader(
            destination: mac, source: configuration.interface.mac, tags: tags, type: EthernetHeader.typeARP)
        ethernet.write(to: frame)
        packet.write(to: frame.from(ethernet.length))
        output.commit(length: ethernet.length + ARPPacket.length)
    }
}
