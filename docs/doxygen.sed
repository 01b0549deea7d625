# Makes comments for Doxygen out of the plain ones in the headers.

# The comment that a header opens with is that of the file.
1s|^// |/// \\file\n/// |
# In front of what it is about, ...
s|^([[:space:]]*)//([[:space:]]\|$)|\1///\2|
# ... or behind it; not at the end of a namespace, and not for clang-tidy.
/NOLINT|^\}/!s|([^[:space:]/][[:space:]]+)//[[:space:]]|\1///< |
s|[[:space:]]*// NOLINT.*$||
