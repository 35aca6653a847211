internal import Glibc

/// The C library's text for an error number, for messages to people.
public func systemMessage(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
