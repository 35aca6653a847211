internal import CPcap
internal import DeviceMemory
internal import Glibc
internal import Timeline

/// Owns a capture file that is being written: pcap with nanosecond stamps, Ethernet.
@safe struct CaptureWriter: ~Copyable {
    private let format: OpaquePointer
    private let file: OpaquePointer
    let path: String

    init(path: String) throws(WireError) {
        // 262144 is the largest snapshot length that readers of Ethernet captures accept: no frame is cut.
        let opened = unsafe pcap_open_dead_with_tstamp_precision(
            DLT_EN10MB, 262_144, UInt32(PCAP_TSTAMP_PRECISION_NANO))
        guard let format = unsafe opened else {
            throw .cannotWriteCapture(path: path, reason: "libpcap is out of memory")
        }
        // "-" is standard output to libpcap, where JSON goes.
        guard path != "-", let file = unsafe pcap_dump_open(format, path) else {
            let reason = path == "-" ? "standard output is taken" : unsafe String(cString: pcap_geterr(format))
            unsafe pcap_close(format)
            let prefix = path + ": "
            throw .cannotWriteCapture(
                path: path, reason: reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason)
        }
        unsafe self.format = format
        unsafe self.file = file
        self.path = path
    }

    deinit {
        unsafe pcap_dump_close(file)
        unsafe pcap_close(format)
    }

    /// Adds a frame; errors show at the next ``flush()``.
    ///
    /// - Parameter length: how long the frame was, when `frame` is its front only.
    func write(_ frame: ByteView, length: Int? = nil, at time: Instant) {
        var header = pcap_pkthdr()
        // With nanosecond precision libpcap keeps nanoseconds in tv_usec.
        header.ts.tv_sec = Int(truncatingIfNeeded: time.nanoseconds / 1_000_000_000)
        header.ts.tv_usec = Int(truncatingIfNeeded: time.nanoseconds % 1_000_000_000)
        header.caplen = UInt32(truncatingIfNeeded: frame.count)
        header.len = length.map { UInt32(truncatingIfNeeded: $0) } ?? header.caplen
        unsafe frame.withUnsafeBytes { bytes in
            unsafe pcap_dump(
                UnsafeMutablePointer<UInt8>(file), &header,
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// Hands everything written so far to the kernel.
    func flush() throws(WireError) {
        guard unsafe pcap_dump_flush(file) == 0, unsafe ferror(pcap_dump_file(file)) == 0 else {
            throw .cannotWriteCapture(path: path, reason: systemMessage(errno))
        }
    }
}
