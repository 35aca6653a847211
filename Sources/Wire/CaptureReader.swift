internal import CPcap
internal import DeviceMemory
internal import Timeline

/// Owns an open capture file and the frame read last.
@safe struct CaptureReader: ~Copyable {
    struct Frame {
        /// Time since the file's first frame.
        let offset: Interval
        /// What the file holds of the frame; valid until the next one is read.
        let bytes: ByteView
        /// Length on the network, which is more when the capture cut the frame.
        let originalLength: Int
    }

    private let handle: OpaquePointer
    private var first: Int64?
    /// Why reading stopped before the end of the file.
    private(set) var problem: String?

    init(path: String) throws(WireError) {
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        let opened = unsafe pcap_open_offline_with_tstamp_precision(
            path, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
        guard let opened = unsafe opened else {
            throw .cannotOpenCapture(path: path, reason: CaptureReader.text(message, without: path))
        }
        let type = unsafe pcap_datalink(opened)
        guard type == DLT_EN10MB else {
            let name = unsafe pcap_datalink_val_to_name(type).map { unsafe String(cString: $0) }
            unsafe pcap_close(opened)
            throw .notEthernet(path: path, linkType: name ?? "link type \(type)")
        }
        unsafe handle = opened
    }

    deinit { unsafe pcap_close(handle) }

    /// The next frame; `nil` at the end of the file or where it is damaged (then ``problem`` says so).
    mutating func next() -> Frame? {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var bytes: UnsafePointer<UInt8>?
        let result = unsafe pcap_next_ex(handle, &header, &bytes)
        guard result == 1, let header = unsafe header, let bytes = unsafe bytes else {
            // -2 is the end of the file.
            if result != -2 { problem = unsafe String(cString: pcap_geterr(handle)) }
            return nil
        }
        // Time stamps are the file's claim: any bit pattern, in any order.
        let seconds = unsafe Int64(header.pointee.ts.tv_sec)
        let nanoseconds = unsafe seconds &* 1_000_000_000 &+ Int64(header.pointee.ts.tv_usec)
        let start = first ?? nanoseconds
        first = start
        let length = unsafe Int(header.pointee.caplen)
        return unsafe Frame(
            offset: Interval(nanoseconds: nanoseconds > start ? UInt64(bitPattern: nanoseconds &- start) : 0),
            bytes: ByteView(base: bytes, count: length), originalLength: Int(header.pointee.len))
    }

    /// libpcap puts the path in front of some messages; ours has it already.
    private static func text(_ message: [CChar], without path: String) -> String {
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.hasPrefix(path + ": ") ? String(text.dropFirst(path.count + 2)) : text
    }
}
