/* Opens the frame: the form carries the hand-over, so it stands in no address. */
( function () {
	var form = document.getElementById( 'postventa-enter' );
	if ( form ) {
		form.submit();
	}
}() );
