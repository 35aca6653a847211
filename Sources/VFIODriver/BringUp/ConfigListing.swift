/// A configuration space with names: what `uiodrv config` prints.
public struct ConfigListing: Encodable, Sendable {
    /// One named value.
    public struct Field: Encodable, Sendable {
        /// Its name in the specification, in short.
        public let name: String
        /// The bits as they are.
        public let value: UInt64
        /// What they mean.
        public let text: String
    }

    /// The header, the BARs or one capability.
    public struct Section: Encodable, Sendable {
        /// What it is.
        public let title: String
        /// Byte offset in configuration space.
        public let offset: Int
        /// Version of an extended capability.
        public let version: UInt8?
        /// Its fields in the order of the specification.
        public let fields: [Field]
    }

    /// Length of what could be read in bytes: 64 without privilege.
    public let lengthBytes: Int
    /// Header, BARs, then capabilities in the order of their lists.
    public let sections: [Section]
    /// What is wrong with the capability lists.
    public let fault: String?

    /// Decodes `space`; `bars` are its base address registers with their sizes.
    public init(_ space: ConfigSpace, bars: [PCIBar]) {
        func fields(_ layouts: [ConfigFieldLayout], at base: Int) -> [Field] {
            layouts.filter { base + $0.offset + 4 <= space.bytes.count }.map { layout in
                let value = layout.value(space, at: base)
                return Field(name: layout.name, value: UInt64(value), text: layout.text(value))
            }
        }
        let rest =
            switch space.headerType {
            case 0: ConfigLayouts.endpoint
            case 1: ConfigLayouts.bridge
            default: [ConfigFieldLayout]()
            }
        var sections = [
            Section(
                title: "Header", offset: 0, version: nil, fields: fields(ConfigLayouts.header + rest, at: 0))
        ]
        if !bars.isEmpty {
            sections.append(
                Section(
                    title: "Base addresses", offset: 0x10, version: nil,
                    fields: bars.map { Field(name: "BAR \($0.index)", value: $0.address, text: $0.description) }))
        }
        for capability in space.capabilities {
            sections.append(
                Section(
                    title: ConfigLayouts.name(capability), offset: capability.offset,
                    version: capability.isExtended ? capability.version : nil,
                    fields: fields(ConfigLayouts.fields(capability, in: space), at: capability.offset)))
        }
        lengthBytes = space.bytes.count
        self.sections = sections
        fault = space.capabilityFault
    }

    /// The bytes in hexadecimal, 16 a line with the offset in front; the extended space is left out when it is empty.
    public static func raw(_ space: ConfigSpace) -> [String] {
        var bytes = space.bytes[...]
        if bytes.count > 256, !bytes.dropFirst(256).contains(where: { $0 != 0 }) { bytes = bytes.prefix(256) }
        return stride(from: 0, to: bytes.count, by: 16).map { line in
            "\(hex(line, 3)): " + bytes[line..<min(line + 16, bytes.count)].map { hex($0, 2) }.joined(separator: " ")
        }
    }
}
