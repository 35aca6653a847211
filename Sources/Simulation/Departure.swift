package import DeviceMemory
internal import Packets

/// A frame as a NIC sends it that was asked to: its parts read where they lie, cut into segments, each with its checksum.
///
/// None of this uses the code of the models or of TCPLite.
package struct Departure {
    /// The whole frame: in the stack's queue, or where its parts were read to.
    let frame: MutableByteView
    let offload: TransmitOffload
    /// Frames that it becomes.
    package let count: Int

    private var tcpAt: Int { Int(offload.linkLength) + Int(offload.networkLength) }

    package init(_ frame: MutableByteView, _ offload: TransmitOffload) {
        self.frame = frame
        self.offload = offload
        let size = Int(offload.segmentSize)
        let payload = frame.count - offload.headerLength
        count = size == 0 ? 1 : max((payload + size - 1) / size, 1)
    }

    /// Frame `number` of it; `space` has room for one.
    package func segment(_ number: Int, _ space: MutableByteView) -> ByteView {
        guard offload.tcpChecksum else { return frame.readOnly }
        guard offload.segmentSize > 0 else {
            complete(frame, adding: 0)
            return frame.readOnly
        }
        let headerLength = offload.headerLength
        let first = number * Int(offload.segmentSize)
        let payload = min(Int(offload.segmentSize), frame.count - headerLength - first)
        let segment = space.slice(0, headerLength + payload)
        segment.slice(0, headerLength).copy(frame.readOnly.slice(0, headerLength))
        segment.from(headerLength).copy(frame.readOnly.slice(headerLength + first, payload))
        let link = Int(offload.linkLength)
        let length = segment.count - tcpAt
        if offload.isIPv6 {
            segment.setBE16(link + 4, UInt16(length))
        } else {
            segment.setBE16(link + 2, UInt16(length + Int(offload.networkLength)))
            segment.setBE16(link + 10, 0)
            var sum = InternetChecksum()
            sum.add(segment.readOnly.slice(link, Int(offload.networkLength)))
            segment.setBE16(link + 10, sum.complement)
        }
        segment.setBE32(tcpAt + 4, segment.readOnly.be32(tcpAt + 4) &+ UInt32(first))
        // FIN and PSH are the last one's.
        if number < count - 1 { segment[tcpAt + 13] &= ~0x09 }
        complete(segment, adding: UInt16(length))
        return segment.readOnly
    }

    /// The field holds the pseudo-header's sum; of a frame that is cut, without the length.
    private func complete(_ segment: MutableByteView, adding length: UInt16) {
        var sum = InternetChecksum()
        sum.add(segment.from(tcpAt).readOnly)
        sum.add(length)
        segment.setBE16(tcpAt + 16, sum.complement)
    }
}
