internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import TCPLite
internal import Timeline

/// Where a frame's bytes land.
enum Layout {
    case split, whole
    /// So many bytes of payload stay behind the header.
    case late(Int)
}

/// A send from a region.
private struct PlacedBytes {
    var number: UInt32
    var slots: [Int]
    var length: Int
    /// Position behind its last byte.
    var end: Int
}

/// A connection of a stack and its ``ReferenceModel``, and everything that is compared between the two.
final class ModelledFlow {
    static let peer = IPv4Address(10, 0, 0, 9)

    private let stage: Stage
    private let frame: PeerFrame
    private let ports: (peer: UInt16, host: UInt16)
    private(set) var model: ReferenceModel
    private var id: ConnectionID?
    private let firstClock: UInt32
    private let hostScale: Int
    private let peerScale: Int
    private var window: UInt16
    /// Furthest place that the peer invited, SND.NXT as the wire shows it, the last ACK, the furthest window edge.
    private var invited: SequenceNumber
    private(set) var latest: SequenceNumber
    private var lastACK: SequenceNumber
    private var wireEdge: SequenceNumber
    private var hostClock: UInt32 = 0
    /// When the peer last acknowledged something new, or was first sent something after that (but see `isShutOut`).
    private var progress: Instant
    private var owesACK = false
    private var emissions = 0

    private var delivered = 0
    private var sawOpened = false
    private var sawEnd = false
    private var told: CloseReason?

    /// Sends from the region that are not over, the next one's number, and slots that nothing is sent from.
    private var sends: [PlacedBytes] = []
    private var nextSend: UInt32 = 0
    private var freeSlots = Array(0..<Stage.outwardSlots)

    /// Opens a connection: the peer's SYN and the answer, or the stack's SYN and the peer's answer.
    init(
        _ stage: Stage, _ frame: PeerFrame, port: UInt16, irs: UInt32, clock: UInt32, options: [UInt8], isPassive: Bool,
        window: UInt16
    ) throws(Finding) {
        self.stage = stage
        self.frame = frame
        self.window = window
        firstClock = clock
        progress = stage.now
        var first: Emission?
        let take: (Emission?, ByteView) throws(Finding) -> Void = { (emission, _) throws(Finding) in
            guard let emission else { return }
            first = emission
            first?.payload = emission.payload.slice(0, 0)
        }
        if isPassive {
            ports = (port, 80)
        } else {
            do {
                id = try stage.stack.connect(
                    to: ModelledFlow.peer, port: port, localPort: port, now: stage.now, flow: .guaranteed(slots: 150))
            } catch { throw Finding("no connection: \(error)") }
            ports = (port, port)
            try stage.poll(take)
            guard first?.flags == .syn else { throw Finding("connecting brought no SYN") }
        }
        var header = TCPHeader(
            sourcePort: ports.peer, destinationPort: ports.host, sequence: irs,
            acknowledgement: (first?.sequence).map { $0 &+ 1 } ?? 0, flags: isPassive ? .syn : [.syn, .ack],
            window: window)
        header.urgentPointer = 0
        frame.segment(header, from: ModelledFlow.peer, options: options, payload: 0) { _ in }
        stage.receive(frame.view, boundary: frame.view.count, .good)
        let own = first
        first = nil
        try stage.poll(take)
        guard let answer = first, answer.header.acknowledgement == irs &+ 1,
            answer.flags == (isPassive ? [.syn, .ack] : .ack)
        else { throw Finding("a SYN was answered by \(String(describing: first?.header))") }
        let syn = own ?? answer
        let offered = TCPOptions.agreed(frame, options)
        let timestamps = syn.options.hasTimestamps && offered.hasTimestamps
        guard isPassive || answer.options.hasTimestamps == timestamps else {
            throw Finding("timestamps were not agreed on")
        }
        hostClock = answer.options.timestampValue
        let scales = syn.options.windowScale != nil && offered.windowScale != nil
        hostScale = scales ? Int(syn.options.windowScale ?? 0) : 0
        peerScale = scales ? Int(offered.windowScale ?? 0) : 0
        model = ReferenceModel(
            passive: isPassive, timestamps: timestamps, irs: SequenceNumber(irs), iss: SequenceNumber(syn.sequence))
        latest = model.iss + 1
        lastACK = model.irs + 1
        // A SYN's window is not scaled.
        invited = model.iss + 1 + Int(window)
        wireEdge = SequenceNumber(irs &+ 1) + Int(answer.header.window) << (isPassive ? 0 : hostScale)
        if isPassive {
            guard answer.options.hasTimestamps == timestamps else { throw Finding("timestamps were not agreed on") }
        }
        try read(atMost: .max)
    }

    private var info: ConnectionInfo? { id.flatMap { stage.stack.info($0) } }

    /// Right edge of what was invited, as a position. Before the application knows the connection, what the wire said.
    var edge: Int { (info?.rcvAdv ?? wireEdge).distance(from: model.irs + 1) }

    /// No application waits and the peer's window is closed: probes and their answers are no progress then.
    private var isShutOut: Bool { model.isOrphan && info?.sndWnd == 0 }

    /// Nothing more can come of it.
    var isOver: Bool { model.state == .closed }

    // MARK: the peer

    func hear(
        _ s: PeerSegment, _ layout: Layout, _ verdict: ChecksumVerdict, window: UInt16?, clock: UInt32, blocks: [UInt32]
    ) throws(Finding) {
        var options: [UInt8] = []
        if model.usesTimestamps && !s.lacksTimestamp {
            options += [1, 1, 8, 10] + be(s.isOld ? firstClock &- 1 : clock) + be(hostClock)
        }
        if blocks.count == 2 || blocks.count == 4 {
            options += [1, 1, 5, UInt8(2 + 4 * blocks.count)] + blocks.flatMap { be($0) }
        }
        if let window { self.window = window }
        let header = TCPHeader(
            sourcePort: ports.peer, destinationPort: ports.host, sequence: (model.irs + 1 + s.position).rawValue,
            acknowledgement: s.acknowledgement.rawValue, flags: s.flags, window: self.window)
        frame.segment(header, from: ModelledFlow.peer, options: options, payload: s.length) { view in
            for i in 0..<view.count { view[i] = s.byte(s.position + i) }
        }
        let boundary: Int =
            switch layout {
            case .split: frame.payloadStart
            case .whole: frame.view.count
            case .late(let bytes): min(frame.payloadStart + bytes, frame.view.count)
            }
        let offer = Offer(
            edge: edge, sndNxt: info?.sndNxt ?? latest, largestWindow: info?.sndWndLargest ?? 0)
        let isWhole = boundary >= frame.view.count
        let una = model.una
        if verdict == .good || (verdict == .unknown && isWhole) {
            let was = model
            model.hear(s, offer, now: stage.now, msl: stage.configuration.msl)
            if s.flags.contains(.ack) { invited = later(invited, s.acknowledgement + Int(self.window) << peerScale) }
            if model.una != una && !(isShutOut && self.window == 0) { progress = stage.now }
            // What cannot be put behind what came before is answered at once (RFC 5681, section 4.2).
            if s.length > 0, s.flags == .ack || s.flags == [.ack, .psh], was.state == .established,
                model.state == .established, s.position != was.next, !s.lacksTimestamp, was.una <= s.acknowledgement,
                s.acknowledgement <= offer.sndNxt
            {
                owesACK = true
            }
        }
        stage.receive(frame.view, boundary: boundary, verdict)
        // What is compared needs the connection's id, which the application is told first of all.
        if id == nil && model.wasOpened { try read(atMost: 1) }
    }

    // MARK: the application

    func send(_ count: Int) throws(Finding) {
        guard let id, !model.isOrphan else { return }
        let bytes = HeapBytes(count: count)
        for i in 0..<count { bytes.bytes[i] = ModelledFlow.byte(model.written + i) }
        let may = stage.stack.sendSpace(id)
        let taken = stage.stack.send(id, bytes.bytes.readOnly)
        extendLifetime(bytes)
        let isOpen = !model.isShut && [.established, .closeWait, .synReceived].contains(model.state)
        guard taken == (isOpen ? min(count, may) : 0) else { throw Finding("\(taken) of \(count) bytes were taken") }
        model.written += taken
        let placed = sends.reduce(0) { $0 + $1.length }
        guard
            model.una.distance(from: model.iss + 1) + stage.configuration.sendBufferBytes + placed >= model.written
        else {
            throw Finding("more was taken than the send buffer holds")
        }
    }

    /// Sends from the region: a slot's bytes, whole or as two ranges, or those of two slots.
    func place(_ input: inout FuzzInput) throws(Finding) {
        let (shape, first) = (input.byte(), input.below(Stage.slotSize))
        guard let id, !model.isOrphan else { return }
        var ranges: [SendRange] = []
        var slots: [Int] = []
        var length = 0
        for _ in 0...Int(shape & 1) {
            guard let slot = freeSlots.popLast() else { break }
            slots.append(slot)
            let count = 1 + Int(shape >> 1) * (Stage.slotSize - first - 1) / 127
            let at = slot * Stage.slotSize + first
            for i in 0..<count { stage.outward[at + i] = ModelledFlow.byte(model.written + length + i) }
            let cut = shape & 4 == 0 ? count : count / 2
            ranges.append(SendRange(offset: UInt64(at), length: cut))
            ranges.append(SendRange(offset: UInt64(at + cut), length: count - cut))
            length += count
        }
        guard length > 0 else { return }
        let isOpen = !model.isShut && [.established, .closeWait, .synReceived].contains(model.state)
        do {
            let number = try stage.stack.send(id, from: Stage.outwardPool, ranges, pools: &stage.pools)
            guard isOpen, stage.configuration.transmitChecksumOffload, number == nextSend else {
                throw Finding("send \(number) was taken where \(nextSend) was next, in state \(model.state)")
            }
            nextSend += 1
            model.written += length
            sends.append(PlacedBytes(number: number, slots: slots, length: length, end: model.written))
        } catch let finding as Finding {
            throw finding
        } catch {
            freeSlots += slots
            let isExpected =
                switch error as? TCPError {
                case .noChecksumOffload: !stage.configuration.transmitChecksumOffload
                case .notSending: !isOpen
                case .sendQueueFull: true
                default: false
                }
            guard isExpected else { throw Finding("\(length) bytes in state \(model.state) from a region: \(error)") }
        }
    }

    /// Takes what the stack says is over: acknowledged by the peer, or given up with the connection. The bytes are overwritten.
    func takeCompletions() throws(Finding) {
        while let over = stage.stack.nextCompletion() {
            for number in over.first...over.last {
                guard over.connection == id, let at = sends.firstIndex(where: { $0.number == number }) else {
                    throw Finding("\(over) of what is not under way")
                }
                let send = sends.remove(at: at)
                let acknowledged = model.una.distance(from: model.iss + 1)
                guard over.isAcknowledged ? acknowledged >= send.end : model.state == .closed else {
                    throw Finding("\(over) with \(acknowledged) bytes acknowledged, state \(model.state)")
                }
                for slot in send.slots {
                    let bytes = stage.outward.slice(slot * Stage.slotSize, Stage.slotSize)
                    for i in 0..<bytes.count { bytes[i] = 0xA5 }
                }
                freeSlots += send.slots
            }
        }
    }

    /// A connection that is over has nothing under way.
    func checkSends() throws(Finding) {
        guard sends.isEmpty else { throw Finding("\(sends.count) sends of a connection that is no more are not over") }
    }

    /// The byte that the application writes at a position.
    private static func byte(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: position &* 7 ^ position >> 8) }

    func shutdown() {
        guard let id, [.established, .closeWait].contains(model.state) else { return }
        model.isShut = true
        stage.stack.shutdown(id)
    }

    func abort() {
        guard let id, model.state != .closed else { return }
        model.abort()
        stage.stack.abort(id, pools: &stage.pools)
    }

    func leave() {
        guard let id, !model.isOrphan, model.state != .closed else { return }
        model.leave(delivered: delivered)
        stage.stack.leave(id, pools: &stage.pools)
    }

    /// Takes deliveries, which must be the model's bytes and come in the order that is promised.
    func read(atMost limit: Int) throws(Finding) {
        var left = limit
        while left > 0, try stage.take(note) { left -= 1 }
    }

    private func note(_ kind: Delivery.Kind, _ id: ConnectionID, _ bytes: ByteView?, _ given: UInt16?) throws(Finding) {
        if case .opened(let peer, let port, let localPort, let passive) = kind {
            guard !sawOpened, peer == InternetAddress(ModelledFlow.peer), port == ports.peer, localPort == ports.host,
                passive == model.isPassive, model.wasOpened, self.id == nil || self.id == id
            else { throw Finding("opened: \(kind)") }
            self.id = id
            sawOpened = true
            return
        }
        guard id == self.id, told == nil, !model.isOrphan else {
            throw Finding("\(kind) of a connection that is no more")
        }
        switch kind {
        case .data:
            guard let bytes, sawOpened, !sawEnd, bytes.count > 0 else { throw Finding("data out of turn") }
            for i in 0..<bytes.count where bytes[i] != model.byte(delivered + i) {
                throw Finding("byte \(delivered + i) is not the one that came")
            }
            delivered += bytes.count
            guard delivered <= model.next else { throw Finding("bytes were delivered that are not in order") }
            if let given, sum(bytes) % 0xFFFF != UInt64(given) % 0xFFFF { throw Finding("a record with a wrong sum") }
        case .endOfStream:
            guard !sawEnd, model.hasEnded, delivered == model.next else { throw Finding("an end before the end") }
            sawEnd = true
        case .closed(let reason):
            guard reason == model.reason || (model.isAborted && reason == .aborted) else {
                throw Finding("closed as \(reason), not as \(String(describing: model.reason))")
            }
            told = reason
        default: break
        }
    }

    // MARK: the stack

    /// Ends a burst, and looks at everything that is sent.
    func poll() throws(Finding) {
        emissions = 0
        try stage.poll { (emission, _) throws(Finding) in
            guard let emission, emission.header.destinationPort == ports.peer,
                emission.header.sourcePort == ports.host
            else { return }
            try look(emission)
        }
        if owesACK && emissions == 0 && model.state != .closed { throw Finding("a gap or old data was not answered") }
        owesACK = false
    }

    private func look(_ e: Emission) throws(Finding) {
        if e.flags.contains(.rst) { return }
        emissions += 1
        let first = SequenceNumber(e.sequence)
        if e.flags.contains(.syn) {
            guard first == model.iss, model.state == .synReceived else {
                throw Finding("a SYN in state \(model.state)")
            }
            return
        }
        let ack = SequenceNumber(e.header.acknowledgement)
        guard e.flags.contains(.ack), ack == model.expected else {
            throw Finding("ACK \(ack) where \(model.expected) is due")
        }
        guard e.options.hasTimestamps == model.usesTimestamps else { throw Finding("timestamps come and go") }
        hostClock = e.options.timestampValue
        let right = ack + Int(e.header.window) << hostScale
        guard right > wireEdge || wireEdge.distance(from: right) < max(1 << hostScale, 2) else {
            throw Finding("the window's edge went back from \(wireEdge) to \(right)")
        }
        wireEdge = later(wireEdge, right)
        lastACK = ack
        try lookAtStream(e, first)
        try lookAtReports(e, ack)
    }

    private func lookAtStream(_ e: Emission, _ first: SequenceNumber) throws(Finding) {
        let position = first.distance(from: model.iss + 1)
        // An ACK alone may stand behind the FIN, or, as a question, before what is not acknowledged.
        let most = model.written + (model.finSent && e.payload.count == 0 ? 1 : 0)
        guard position >= -1, position + e.payload.count <= most else {
            throw Finding("bytes that were not written: \(e.payload.count) at \(position)")
        }
        for i in 0..<e.payload.count where e.payload[i] != ModelledFlow.byte(position + i) {
            throw Finding("byte \(position + i) is sent, which is another than was written")
        }
        let end = first + e.length
        // A probe of a closed window is one byte beyond it.
        guard e.length == 0 || end <= invited + 1 else {
            throw Finding("\(end) is beyond the peer's window, \(invited)")
        }
        if e.flags.contains(.fin) {
            guard model.isShut, position + e.payload.count == model.written else { throw Finding("a FIN too early") }
            if !model.finSent {
                model.finSent = true
                switch model.state {
                case .established: model.state = .finWait1
                case .closeWait: model.state = .lastACK
                default: break
                }
            }
        }
        if end > latest {
            if latest == model.una && !isShutOut { progress = stage.now }
            latest = end
        }
    }

    /// Every block says what has come, but the first, which may say what came twice (RFC 2018, RFC 2883).
    private func lookAtReports(_ e: Emission, _ ack: SequenceNumber) throws(Finding) {
        for (i, block) in e.blocks.enumerated() {
            let (left, right) = (SequenceNumber(block.left), SequenceNumber(block.right))
            let from = left.distance(from: model.irs + 1)
            let isTwice =
                i == 0
                && (right <= ack
                    || (e.blocks.count > 1 && SequenceNumber(e.blocks[1].left) <= left
                        && right <= SequenceNumber(e.blocks[1].right)))
            guard left < right, isTwice || (left > ack && model.knows(from, right.distance(from: model.irs + 1))) else {
                throw Finding(
                    "a report of \(left) to \(right), which have not come: ACK \(ack), model \(model.expected) in "
                        + "\(model.state), \(model.beyond) bytes beyond, blocks \(e.blocks)")
            }
        }
    }

    /// Time has passed: some states end by themselves.
    func timePassed() {
        guard model.state != .closed else { return }
        if model.state == .timeWait {
            if stage.now >= model.waitsUntil { model.state = .closed }
            return
        }
        let isGone = info.map { $0.state == .closed } ?? (id != nil || stage.stack.connectionCount == 0)
        guard isGone else { return }
        let isLate = stage.now >= progress + stage.configuration.giveUp
        let isForgotten = model.isOrphan && model.state == .finWait2
        let isUnopened = !model.wasOpened && stage.now >= progress + stage.configuration.giveUpOpening
        if isForgotten || isUnopened || (isLate && model.owes) { model.giveUp() }
    }

    /// Everything that came has been acknowledged by now.
    func checkAcknowledged() throws(Finding) {
        guard model.wasOpened, ![.closed, .timeWait].contains(model.state), lastACK != model.expected else { return }
        throw Finding("ACK \(lastACK) is the last although \(model.expected) has long been due")
    }

    /// The stack's state is the model's.
    func compare() throws(Finding) {
        guard let id else { return }
        guard let info = stage.stack.info(id) else {
            guard model.state == .closed else { throw Finding("gone, and should be in \(model.state)") }
            return
        }
        guard info.state == model.state else { throw Finding("in \(info.state), and should be in \(model.state)") }
        guard model.state != .closed else { return }
        guard info.rcvNxt == model.expected else { throw Finding("RCV.NXT \(info.rcvNxt), not \(model.expected)") }
        guard info.sndUna == model.una else { throw Finding("SND.UNA \(info.sndUna), not \(model.una)") }
        guard info.outOfOrderBytes == (model.hasEnded ? 0 : model.beyond) else {
            throw Finding("\(info.outOfOrderBytes) bytes out of order, not \(model.beyond)")
        }
    }

    /// All that came in order has been delivered.
    func checkRead() throws(Finding) {
        guard !model.isOrphan, !model.isAborted, model.wasOpened else { return }
        guard delivered == model.next, sawEnd == model.hasEnded else {
            throw Finding("\(delivered) of \(model.next) bytes were delivered, the end: \(sawEnd)")
        }
    }

    /// The connection is over, and the application has been told.
    func checkEnd() throws(Finding) {
        try checkRead()
        guard !model.isOrphan, model.wasOpened || !model.isPassive else { return }
        guard told != nil else { throw Finding("nobody was told of the end, \(String(describing: model.reason))") }
        if let id, stage.stack.info(id) != nil { throw Finding("over, told, and still there") }
    }
}

extension TCPOptions {
    /// The options of the SYN that was just written.
    fileprivate static func agreed(_ frame: PeerFrame, _ options: [UInt8]) -> TCPOptions {
        TCPOptions(frame.view.slice(54, options.count))
    }
}

/// The later of two sequence numbers.
private func later(_ a: SequenceNumber, _ b: SequenceNumber) -> SequenceNumber { a < b ? b : a }
