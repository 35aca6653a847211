/// What a packet's memory is like. Reception and transmission mean the same by it.
@frozen public struct PacketFlags: OptionSet, Sendable, Hashable, BitwiseCopyable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// No processor may read the payload, whatever it is that forbids it.
    @inlinable public static var unreadable: PacketFlags { PacketFlags(rawValue: 1) }
    /// Somebody waits for the end of the transmission.
    @inlinable public static var tellsEnd: PacketFlags { PacketFlags(rawValue: 2) }
}

/// A run of stream bytes that is sent from where it is: what an owner gets to see at the end.
@frozen public struct PlacedPacket: BitwiseCopyable, Sendable, Hashable {
    /// Whose it is, in the owner's own numbers.
    public var label: UInt32
    /// The pool and the slot.
    public var pool: UInt16
    public var slot: UInt32
    /// Number of bytes.
    public var length: UInt32
    /// What was taken over from the owner when it was attached.
    public var flags: PacketFlags
}

/// Who answers for payload that the stack sends by reference: told when packets come to refer to it and when they do so no
/// longer.
///
/// Whether anything is counted is the owner's business: one that is never told apart from its memory needs no count, and its
/// calls compile to nothing. Generic code never asks what kind of owner it has.
public protocol ZeroCopyOwner: ~Copyable {
    /// What packets take over when they are attached.
    var flags: PacketFlags { get }

    /// One more packet refers to what `label` names.
    mutating func retain(_ label: UInt32)

    /// A packet is about to be freed: what it refers to is still held when this is called, and is let go afterwards.
    ///
    /// - Parameters:
    ///   - packet: `nil` when it is known only that there was one.
    ///   - success: every byte was acknowledged; otherwise the connection ended before.
    mutating func complete(_ label: UInt32, _ packet: PlacedPacket?, success: Bool)

    /// A send was given up before any of it was queued: what `label` stood for never was.
    mutating func abort(_ label: UInt32)
}

/// An owner that nobody counts: relayed fragments, whose slot goes back to its pool and that is all.
@frozen public struct StaticOwner: ZeroCopyOwner, ~Copyable {
    @inlinable public init() {}
    @inlinable public var flags: PacketFlags { .unreadable }
    @inlinable public mutating func retain(_ label: UInt32) {}
    @inlinable public mutating func complete(_ label: UInt32, _ packet: PlacedPacket?, success: Bool) {}
    @inlinable public mutating func abort(_ label: UInt32) {}
}
