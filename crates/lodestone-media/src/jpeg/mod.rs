//! JPEG, decoded to the same pixels as libjpeg-turbo.
