internal import ClientKit
internal import DeviceMemory

/// The part of a region that an application was lent to send from, used round and round: bytes are written where the next send
/// begins, and their place is free again when the send is over.
struct SendArea: ~Copyable {
    /// Bytes of one send.
    static let portionBytes = 64 << 10
    /// Sends under way at most.
    private static let mostSends = 256

    private let view: MappedView
    private var region: UInt16 = 0
    private var start = 0
    private var size = 0
    /// Bytes ever written, and ever free again: a byte stands at its number modulo the size.
    private var written = 0
    private var freed = 0
    /// By number of the send modulo ``mostSends``: its bytes, and whether it is over.
    private var lengths: Slab<Int>
    private var ended: Slab<Bool>
    private var sent: UInt64 = 0
    private var over: UInt64 = 0
    /// A send was refused, or its bytes were not acknowledged.
    private(set) var hasFailed = false

    /// Nothing of `region` yet.
    init(in region: borrowing DeviceRegion) throws(DeviceMemoryError) {
        view = try region.object.view(length: region.slotBytes, rights: .readWrite)
        lengths = Slab(count: Self.mostSends, repeating: 0)
        ended = Slab(count: Self.mostSends, repeating: false)
    }

    /// Takes over what an event ``ChannelEvent/sendArea`` tells of, unless it names bytes that are not there.
    mutating func open(_ record: FragmentRecord) {
        let end = record.offset.addingReportingOverflow(UInt64(record.length))
        guard size == 0, !end.overflow, end.partialValue <= UInt64(view.bytes.count) else { return }
        region = record.region
        start = Int(record.offset)
        size = Int(record.length)
    }

    /// Where the next bytes go; `nil` when everything is under way. Not past the end of the area, where the next send begins
    /// anew.
    var space: MutableByteView? {
        guard size > 0 else { return nil }
        let at = written % size
        let room = min(min(size - (written - freed), size - at), Self.portionBytes)
        guard room > 0, sent - over < UInt64(Self.mostSends) else { return nil }
        return view.bytes.slice(start + at, room)
    }

    /// Sends the first `count` bytes of ``space``; false when the channel is full.
    mutating func send(_ count: Int, _ client: inout ApplicationClient, on connection: UInt32) -> Bool {
        let offset = UInt64(start + written % size)
        guard client.send(region: region, offset: offset, length: UInt32(count), on: connection) else { return false }
        lengths[Int(sent % UInt64(Self.mostSends))] = count
        ended[Int(sent % UInt64(Self.mostSends))] = false
        sent += 1
        written += count
        return true
    }

    /// Books what a ``RecordKind/sent`` tells of.
    mutating func book(_ record: FragmentRecord) {
        if record.length == 0 || !record.isAcknowledged { hasFailed = true }
        // The records come from the stack's process: numbers that cannot be are passed over.
        guard record.offset >= over, record.offset <= sent, UInt64(record.length) <= sent - record.offset else {
            return
        }
        for number in record.offset..<record.offset + UInt64(record.length) {
            ended[Int(number % UInt64(Self.mostSends))] = true
        }
        while over < sent, ended[Int(over % UInt64(Self.mostSends))] {
            freed += lengths[Int(over % UInt64(Self.mostSends))]
            over += 1
        }
    }

    /// Whether every send is over.
    var isIdle: Bool { over == sent }
}
