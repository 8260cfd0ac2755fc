import CZstd

/// What the linked system libraries say of themselves.
enum SystemLibraries {
  /// The version of libzstd; the text is a constant inside the library.
  static var zstdVersion: String {
    guard let text = unsafe ZSTD_versionString() else { return "unknown" }
    return unsafe String(cString: text)
  }
}
